import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import zlib from 'node:zlib';
import { Failure } from '../../ext.ts';
import { codingsOf, decodeBody, maxCodings } from './decode-body.ts';

const text = Buffer.from('what a server says '.repeat(1000));
const limit = 1024 * 1024;

const encoders: Readonly<Record<string, (body: Buffer) => Buffer>> = {
  gzip: (body) => zlib.gzipSync(body),
  'x-gzip': (body) => zlib.gzipSync(body),
  deflate: (body) => zlib.deflateSync(body),
  br: (body) => zlib.brotliCompressSync(body),
  zstd: (body) => zlib.zstdCompressSync(body),
};

function encode(coding: string, body: Buffer): Buffer {
  const encoder = encoders[coding];
  assert.ok(encoder !== undefined, coding);
  return encoder(body);
}

function decode(body: Buffer, contentEncoding: string, most = limit): Promise<Buffer> {
  return decodeBody(body, { codings: codingsOf(contentEncoding), limit: most });
}

async function refused(promise: Promise<unknown>, message: RegExp): Promise<void> {
  await assert.rejects(promise, (error) => {
    assert.ok(error instanceof Failure && error.code === 4, String(error));
    assert.match(error.message, message);
    return true;
  });
}

suite('decodeBody', () => {
  for (const coding of Object.keys(encoders)) {
    const whole = encode(coding, text);

    test(`undoes ${coding}`, async () => {
      assert.deepEqual(await decode(whole, coding), text);
      assert.deepEqual(await decode(whole, coding.toUpperCase()), text);
    });

    test(`refuses ${coding} that is cut short at any byte`, async () => {
      for (let size = 1; size < whole.length; size++) {
        await refused(decode(whole.subarray(0, size), coding), /is no whole/);
      }
    });

    test(`refuses ${coding} that is corrupt`, async () => {
      await refused(decode(text, coding), /is no whole/);
    });

    test(`stops ${coding} at the limit`, async () => {
      const bomb = encode(coding, Buffer.alloc(8 * limit));
      assert.ok(bomb.length < limit / 8);
      await refused(decode(bomb, coding), /over 1048576 bytes once decoded/);
      assert.deepEqual(await decode(whole, coding, text.length), text);
      await refused(decode(whole, coding, text.length - 1), /once decoded/);
    });
  }

  test('undoes deflate without its header', async () => {
    const raw = zlib.deflateRawSync(text);
    assert.deepEqual(await decode(raw, 'deflate'), text);
    await refused(decode(raw.subarray(0, -1), 'deflate'), /is no whole deflate/);
  });

  test('undoes codings that are one over the other, the last one first', async () => {
    const stacked = encode('br', encode('gzip', text));
    assert.deepEqual(await decode(stacked, 'gzip, br'), text);
    assert.deepEqual(await decode(stacked, ' GZIP ,identity,, br '), text);
    await refused(decode(stacked, 'br, gzip'), /is no whole gzip/);
  });

  test('stops a bomb within a bomb', async () => {
    const bomb = zlib.gzipSync(zlib.gzipSync(Buffer.alloc(256 * limit)));
    assert.ok(bomb.length < 16 * 1024);
    await refused(decode(bomb, 'gzip, gzip'), /once decoded/);
  });

  test('refuses a zstd window beyond what HTTP allows', async () => {
    // RFC 8878 section 3.1.1: magic number, a descriptor that says nothing, 128 MiB of window, an empty last block.
    const frame = Buffer.from('28b52ffd0088010000', 'hex');
    await refused(decode(frame, 'zstd'), /ZSTD_error_frameParameter_windowTooLarge/);
  });

  test('leaves a body of no bytes as it is', async () => {
    assert.equal((await decode(Buffer.alloc(0), 'gzip')).length, 0);
  });
});

suite('codingsOf', () => {
  test('knows none in what is not known', () => {
    for (const value of [
      '',
      'identity',
      'compress',
      'gzip, aws-chunked',
      'utf-8',
      '__proto__',
      'constructor',
    ]) {
      assert.deepEqual(codingsOf(value), [], value);
    }
  });

  test('refuses more than a few', () => {
    assert.equal(codingsOf('gzip,'.repeat(maxCodings)).length, maxCodings);
    for (const times of [maxCodings + 1, 10_000]) {
      assert.throws(
        () => codingsOf('gzip,'.repeat(times)),
        (error) => error instanceof Failure && error.code === 4,
      );
    }
  });
});
