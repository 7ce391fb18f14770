import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { ResponseReader } from './response-reader.ts';

const first = 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello';
const two = `${first}HTTP/1.1 503 No\r\ncontent-length:0\r\nX: y\r\n\r\n`;

function read(...chunks: readonly string[]): (readonly [status: number, bytes: string])[] {
  const found: (readonly [number, string])[] = [];
  const reader = new ResponseReader((status, bytes) => found.push([status, bytes.toString('latin1')]));
  for (const chunk of chunks) reader.push(Buffer.from(chunk, 'latin1'));
  return found;
}

suite('ResponseReader', () => {
  test('responses that come together are told apart', () => {
    assert.deepEqual(
      read(two).map(([status]) => status),
      [200, 503],
    );
    assert.equal(read(two)[0]?.[1], first);
  });

  test('where the pieces are cut makes no difference', () => {
    for (let at = 1; at < two.length; at++) {
      assert.deepEqual(read(two.slice(0, at), two.slice(at)), read(two));
    }
  });

  test('a response is not there before its last byte', () => {
    assert.deepEqual(read('HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhell'), []);
  });

  test('a response that does not say how long it is is an error', () => {
    assert.throws(() => read('HTTP/1.1 200 OK\r\n\r\n'), /without Content-Length/);
  });
});
