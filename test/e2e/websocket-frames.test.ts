/** What RFC 6455 asks of a server frame by frame, with clients that keep to it and clients that do not. */
import assert from 'node:assert/strict';
import { before, suite, test } from 'node:test';
import type { PulpProcess } from '../support/pulp-process.ts';
import { closeFrame, frame, type FrameFields, RawWebSocket } from '../support/raw-websocket.ts';
import { suiteScope } from '../support/scope.ts';
import { seen, seenClose, startWsGuest } from '../support/ws-guest.ts';

/** Text as its UTF-8, in a binary string. */
const utf8 = (text: string): string => Buffer.from(text, 'utf8').toString('latin1');

suite('frames', { concurrency: 4 }, () => {
  const scope = suiteScope();
  let pulp: PulpProcess;

  before(async () => {
    pulp = await startWsGuest(scope);
  });

  suite('messages of every size come back as they were', () => {
    for (const size of [
      0, 1, 125, 126, 127, 128, 32_767, 32_768, 32_769, 65_535, 65_536, 65_537, 1_048_576,
    ]) {
      test(`${size} bytes, as text and as binary`, async (t) => {
        const client = await RawWebSocket.open(t, pulp.port);
        for (const opcode of [1, 2]) {
          const payload = 'x'.repeat(size);
          client.frame({ opcode, payload });
          const answer = await client.next();
          assert.deepEqual(
            {
              fin: answer?.fin,
              opcode: answer?.opcode,
              same: answer?.payload.toString('latin1') === payload,
            },
            { fin: true, opcode, same: true },
          );
        }
      });
    }

    test('every byte of a binary message is kept, and one that is sent a byte at a time', async (t) => {
      const client = await RawWebSocket.open(t, pulp.port);
      // The guest takes small first bytes for commands.
      const all = Buffer.from(Uint8Array.from({ length: 256 }, (_, index) => 255 - index)).toString('latin1');
      for (const byte of frame({ opcode: 2, payload: all })) client.send(Uint8Array.of(byte));
      assert.equal(await client.message(), all);
    });

    test('a length in a longer form than needed is read', async (t) => {
      const client = await RawWebSocket.open(t, pulp.port);
      client.frame({ opcode: 1, payload: 'short', claimed: 5n });
      assert.equal(await client.message(), 'short');
    });

    test('a mask of zeros is a mask', async (t) => {
      const client = await RawWebSocket.open(t, pulp.port);
      client.frame({ opcode: 1, payload: 'plain', mask: new Uint8Array(4) });
      assert.equal(await client.message(), 'plain');
    });
  });

  suite('fragments', () => {
    const fragments: Readonly<Record<string, readonly FrameFields[]>> = {
      two: [
        { opcode: 1, fin: false, payload: 'Hel' },
        { opcode: 0, payload: 'lo' },
      ],
      'with empty ones': [
        { opcode: 1, fin: false },
        { opcode: 0, fin: false, payload: 'Hello' },
        { opcode: 0, fin: false },
        { opcode: 0 },
      ],
      'with a ping between them': [
        { opcode: 1, fin: false, payload: 'Hel' },
        { opcode: 9, payload: 'ping' },
        { opcode: 0, payload: 'lo' },
      ],
      'with a pong that nobody asked for between them': [
        { opcode: 1, fin: false, payload: 'Hel' },
        { opcode: 10, payload: 'pong' },
        { opcode: 0, payload: 'lo' },
      ],
    };
    for (const [name, frames] of Object.entries(fragments)) {
      test(`${name} are one message, however they arrive`, async (t) => {
        const client = await RawWebSocket.open(t, pulp.port);
        const bytes = Buffer.concat(frames.map(frame));
        client.send(bytes);
        assert.equal(await client.message(), 'Hello');
        for (const byte of bytes) client.send(Uint8Array.of(byte));
        assert.equal(await client.message(), 'Hello');
      });
    }

    test('pings between fragments are answered before the message is complete', async (t) => {
      const client = await RawWebSocket.open(t, pulp.port);
      client.frame({ opcode: 1, fin: false, payload: 'a' });
      for (const payload of ['one', 'two']) {
        client.frame({ opcode: 9, payload });
        const answer = await client.next();
        assert.deepEqual([answer?.opcode, answer?.payload.toString()], [10, payload]);
      }
      client.frame({ opcode: 0, payload: 'b' });
      assert.equal(await client.message(), 'ab');
    });

    test('16,384 are one message, one more closes with 1008', async (t) => {
      const client = await RawWebSocket.open(t, pulp.port);
      const begin = frame({ opcode: 2, fin: false, payload: 'x' });
      const more = frame({ opcode: 0, fin: false, payload: 'x' });
      client.send(
        Buffer.concat([
          begin,
          ...Array.from({ length: 16_382 }, () => more),
          frame({ opcode: 0, payload: 'x' }),
        ]),
      );
      assert.equal((await client.message()).length, 16_384);
      client.send(Buffer.concat([begin, ...Array.from({ length: 16_384 }, () => more)]));
      assert.equal((await client.close()).code, 1008);
    });
  });

  suite('pings', () => {
    for (const size of [0, 1, 125]) {
      test(`one with ${size} bytes is answered with the same`, async (t) => {
        const client = await RawWebSocket.open(t, pulp.port);
        const payload = '\xfe'.repeat(size);
        client.frame({ opcode: 9, payload });
        const answer = await client.next();
        assert.deepEqual([answer?.opcode, answer?.payload.toString('latin1')], [10, payload]);
      });
    }

    test('a hundred at once are all answered, in order', async (t) => {
      const client = await RawWebSocket.open(t, pulp.port);
      const payloads = Array.from({ length: 100 }, (_, index) => `ping ${index}`);
      client.send(Buffer.concat(payloads.map((payload) => frame({ opcode: 9, payload }))));
      for (const payload of payloads) assert.equal((await client.next())?.payload.toString(), payload);
    });

    test('a pong that nobody asked for is not answered', async (t) => {
      const client = await RawWebSocket.open(t, pulp.port);
      client.frame({ opcode: 10, payload: 'pong' });
      client.frame({ opcode: 9, payload: 'ping' });
      assert.equal((await client.next())?.payload.toString(), 'ping');
    });
  });

  suite('text that is UTF-8', () => {
    const texts = {
      'every length of a character': 'a\u00e9\u20ac\u{1f600}',
      'the first and the last of each length':
        '\u0000\u007f\u0080\u07ff\u0800\ufffd\ufffe\uffff\u{10000}\u{10ffff}',
      'around the surrogates': '\ud7ff\ue000',
      'a byte order mark': '\ufeffmark',
    };
    for (const [name, text] of Object.entries(texts)) {
      test(`${name}: it comes back, whole and cut anywhere`, async (t) => {
        const client = await RawWebSocket.open(t, pulp.port);
        const bytes = utf8(text);
        client.text(bytes);
        assert.equal(await client.message(), bytes);
        for (let cut = 0; cut <= bytes.length; cut++) {
          client.frame({ opcode: 1, fin: false, payload: bytes.slice(0, cut) });
          client.frame({ opcode: 0, payload: bytes.slice(cut) });
          assert.equal(await client.message(), bytes);
        }
      });
    }
  });

  suite('text that is not UTF-8 closes with 1007', () => {
    const texts = {
      'a continuation byte alone': '\x80',
      'many of them': '\x80\xbf'.repeat(30),
      'a character cut short': utf8('\u20ac').slice(0, 2),
      'a character cut short inside of text': `${'a'.repeat(40)}\xe2\x82b`,
      'a first byte alone': '\xc3 ',
      'an overlong slash': '\xc0\xaf',
      'an overlong NUL of four bytes': '\xf0\x80\x80\x80',
      'an overlong of three bytes': '\xe0\x9f\xbf',
      'a high surrogate': '\xed\xa0\x80',
      'a pair of surrogates': '\xed\xa0\x80\xed\xb0\x80',
      'above U+10FFFF': '\xf4\x90\x80\x80',
      'five bytes': '\xf8\x88\x80\x80\x80',
      'six bytes': '\xfc\x84\x80\x80\x80\x80',
      'FE and FF': '\xfe\xff',
      'Latin-1': 'caf\xe9',
    };
    for (const [name, bytes] of Object.entries(texts)) {
      test(name, async (t) => {
        const whole = await RawWebSocket.open(t, pulp.port);
        whole.text(bytes);
        assert.equal((await whole.close()).code, 1007);
        const cut = await RawWebSocket.open(t, pulp.port);
        cut.frame({ opcode: 1, fin: false, payload: bytes.slice(0, 1) });
        cut.frame({ opcode: 0, payload: bytes.slice(1) });
        assert.equal((await cut.close()).code, 1007);
      });
    }

    test('the same bytes are a binary message', async (t) => {
      const client = await RawWebSocket.open(t, pulp.port);
      for (const payload of Object.values(texts)) {
        client.frame({ opcode: 2, payload });
        assert.equal(await client.message(), payload);
      }
    });
  });

  suite('what breaks the protocol closes with 1002', () => {
    const wrong: Record<string, readonly FrameFields[]> = {
      'no mask': [{ opcode: 1, payload: 'hi', mask: undefined }],
      'an empty frame without a mask': [{ opcode: 1, mask: undefined }],
      'a continuation of nothing': [{ opcode: 0, payload: 'hi' }],
      'a last continuation of nothing': [{ opcode: 0, fin: false, payload: 'hi' }],
      'a second continuation behind the last': [
        { opcode: 1, fin: false, payload: 'a' },
        { opcode: 0, payload: 'b' },
        { opcode: 0, payload: 'c' },
      ],
      'a new message inside of another': [
        { opcode: 1, fin: false, payload: 'a' },
        { opcode: 1, payload: 'b' },
      ],
      'a ping in fragments': [{ opcode: 9, fin: false, payload: 'a' }],
      'a pong in fragments': [{ opcode: 10, fin: false, payload: 'a' }],
      'a close in fragments': [{ opcode: 8, fin: false }],
      'a ping of 126 bytes': [{ opcode: 9, payload: 'x'.repeat(126) }],
      'a pong of 126 bytes': [{ opcode: 10, payload: 'x'.repeat(126) }],
      'a close of 126 bytes': [{ opcode: 8, payload: `\x03\xe8${'x'.repeat(124)}` }],
      'a close of one byte': [{ opcode: 8, payload: '\x03' }],
    };
    for (const opcode of [3, 4, 5, 6, 7, 11, 12, 13, 14, 15]) {
      wrong[`the reserved opcode ${opcode}`] = [{ opcode, payload: 'hi' }];
    }
    for (let reserved = 1; reserved < 8; reserved++) {
      wrong[`the reserved bits ${reserved} in a message`] = [{ opcode: 1, reserved, payload: 'hi' }];
      wrong[`the reserved bits ${reserved} in a ping`] = [{ opcode: 9, reserved }];
    }
    for (const [name, frames] of Object.entries(wrong)) {
      test(name, async (t) => {
        const client = await RawWebSocket.open(t, pulp.port);
        client.text('before');
        assert.equal(await client.message(), 'before');
        client.send(Buffer.concat(frames.map(frame)));
        assert.equal((await client.close()).code, 1002);
        client.finish();
        await client.closed;
      });
    }
  });

  suite('close frames', () => {
    for (const code of [
      1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 3000, 3999, 4000, 4999,
    ]) {
      test(`code ${code} is answered with the same, and the plugin is told it and the reason`, async (t) => {
        const client = await RawWebSocket.open(t, pulp.port);
        const reason = `grüße ${code}`;
        client.send(closeFrame(code, utf8(reason)));
        assert.equal((await client.close()).code, code);
        client.finish();
        await client.closed;
        await seenClose(pulp, { code, reason });
      });
    }

    test('an empty one is answered with an empty one', async (t) => {
      const client = await RawWebSocket.open(t, pulp.port);
      client.frame({ opcode: 8 });
      assert.equal((await client.close()).code, 1005);
    });

    for (const code of [0, 1, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65_535]) {
      test(`code ${code} may not be sent: 1002`, async (t) => {
        const client = await RawWebSocket.open(t, pulp.port);
        client.send(closeFrame(code));
        assert.equal((await client.close()).code, 1002);
      });
    }

    test('a reason of 123 bytes is taken, one that is not UTF-8 closes with 1007', async (t) => {
      const long = await RawWebSocket.open(t, pulp.port);
      long.send(closeFrame(1000, 'x'.repeat(123)));
      assert.equal((await long.close()).code, 1000);
      const wrong = await RawWebSocket.open(t, pulp.port);
      wrong.send(closeFrame(1000, '\xff'));
      assert.equal((await wrong.close()).code, 1007);
    });

    test('what comes behind one is not read', async (t) => {
      const client = await RawWebSocket.open(t, pulp.port);
      client.send(
        Buffer.concat([closeFrame(4000), frame({ opcode: 1, payload: 'late' }), frame({ opcode: 9 })]),
      );
      assert.equal((await client.next())?.opcode, 8);
      client.finish();
      assert.equal(await client.next(), undefined);
    });
  });

  suite('a message that is too long closes with 1009', () => {
    const tooLong: Readonly<Record<string, readonly FrameFields[]>> = {
      'one byte over the limit': [{ opcode: 2, payload: Buffer.alloc(1_048_577) }],
      'claimed, and nothing of it sent': [{ opcode: 2, claimed: 1_048_577n }],
      'four gigabytes claimed': [{ opcode: 1, claimed: 2n ** 32n }],
      '2^53 bytes claimed': [{ opcode: 1, claimed: 2n ** 53n }],
      '2^63 bytes claimed': [{ opcode: 2, claimed: 2n ** 63n }],
      '2^64 - 1 bytes claimed': [{ opcode: 2, claimed: 2n ** 64n - 1n }],
      'in two fragments': [
        { opcode: 2, fin: false, payload: Buffer.alloc(1_048_576) },
        { opcode: 0, payload: 'x' },
      ],
      'in two fragments, the second only claimed': [
        { opcode: 2, fin: false, payload: 'x' },
        { opcode: 0, claimed: 1_048_576n },
      ],
    };
    for (const [name, frames] of Object.entries(tooLong)) {
      test(name, async (t) => {
        const client = await RawWebSocket.open(t, pulp.port);
        client.send(Buffer.concat(frames.map(frame)));
        assert.equal((await client.close()).code, 1009);
      });
    }
  });

  test('bytes that are no frames, or frames in no order, harm nobody', async (t) => {
    // A generator of our own, so that a failure can be had again.
    let state = 1;
    const random = (below: number): number => {
      state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
      return Math.floor((state / 2 ** 32) * below);
    };
    for (let round = 0; round < 150; round++) {
      const client = await RawWebSocket.open(t, pulp.port);
      const parts = Array.from({ length: 20 }, () => {
        const payload = Buffer.from(Array.from({ length: random(130) }, () => 32 + random(224)));
        if (random(10) === 0) return payload;
        const opcode = [0, 1, 2, 8, 9, 10, random(16)][random(7)] ?? 0;
        return frame({ opcode, fin: random(3) > 0, reserved: random(20) === 0 ? random(8) : 0, payload });
      });
      client.send(Buffer.concat(parts));
      if (random(2) === 0) client.drop();
      else client.finish();
      await client.closed;
    }
    await pulp.alive();
    const failed = pulp.messages.filter((message) => /failed|internal error/.test(message ?? ''));
    assert.deepEqual(failed, []);
  });

  test('everyone else is served meanwhile, and each connection that began has ended once', async (t) => {
    await pulp.alive();
    const last = await RawWebSocket.open(t, pulp.port);
    last.text('last');
    assert.equal(await last.message(), 'last');
    const events = seen(pulp);
    const ends = events.filter(({ kind }) => kind === 'close').map(({ id }) => id);
    assert.equal(new Set(ends).size, ends.length);
  });
});
