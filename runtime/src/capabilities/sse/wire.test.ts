import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { decode } from '../../abi/msgpack/value.ts';
import { decodeClaim, decodeEmit, encodeClaim, encodeClose, encodeOpen } from './wire.ts';

suite('effects', () => {
  test('a claim comes out as it went in', () => {
    for (const path of ['/', '/\xc3\xa4\0\xff', `/${'a'.repeat(4095)}`]) {
      assert.deepEqual(decodeClaim(encodeClaim({ number: 4_000_000_000, path })), {
        number: 4_000_000_000,
        path,
      });
    }
  });

  test('the frame of an emit is a copy', () => {
    const payload = Uint8Array.from([1, 2, 0, 0, 100, 97]);
    const { number, frame } = decodeEmit(payload);
    payload.fill(0);
    assert.equal(number, 513);
    assert.equal(frame.toString(), 'da');
  });
});

suite('events', () => {
  test('sse.open has id, path, query and headers, the id as uint64', () => {
    const bytes = encodeOpen({
      subId: 2 ** 44 + 1,
      path: '/a',
      query: ['x', '1'],
      headers: ['Last-Event-Id', '7', 'Accept', 'text/event-stream'],
    });
    assert.deepEqual(
      decode(bytes),
      new Map<string, unknown>([
        ['sub_id', 2n ** 44n + 1n],
        ['path', '/a'],
        ['query', new Map([['x', '1']])],
        [
          'headers',
          new Map([
            ['Last-Event-Id', '7'],
            ['Accept', 'text/event-stream'],
          ]),
        ],
      ]),
    );
    assert.equal(Buffer.from(bytes).subarray(8, 9).toString('hex'), 'cf');
  });

  test('sse.close has the id as uint64', () => {
    assert.equal(Buffer.from(encodeClose(5)).toString('hex'), '81a67375625f6964cf0000000000000005');
  });
});
