import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decode } from '../../abi/msgpack/value.ts';
import { encodeReply, replyHeaders } from './reply.ts';

test('replyHeaders has canonical names and the first value of each', () => {
  const headers = replyHeaders([
    'content-TYPE',
    'text/plain',
    'Set-Cookie',
    'a=1',
    'set-cookie',
    'b=2',
    'X-Blank',
    ' \t a b\t ',
    'transfer-encoding',
    'chunked',
    'x-\xe9mpty',
    '',
    '__proto__',
    'p',
    'constructor',
    'c',
  ]);
  assert.deepEqual(
    [...headers],
    [
      ['Content-Type', 'text/plain'],
      ['Set-Cookie', 'a=1'],
      ['X-Blank', 'a b'],
      ['x-\xe9mpty', ''],
      ['__proto__', 'p'],
      ['Constructor', 'c'],
    ],
  );
});

test('replyHeaders has what is about the connection, and nothing about how the body was sent', () => {
  const about = ['Connection', 'keep-alive, X-Hop', 'Keep-Alive', 'timeout=5', 'X-Hop', '1', 'Upgrade', 'h2'];
  const headers = replyHeaders([...about, 'Trailer', 'X-Behind', 'Transfer-Encoding', 'chunked']);
  assert.deepEqual([...headers].flat(), about);
});

test('encodeReply writes the widths of the contract, and bytes as they are', () => {
  const bytes = encodeReply({
    status: 404,
    headers: new Map([['X-A', '\xff\xe4']]),
    body: Buffer.from([0, 255]),
  });
  const expected = [
    '84',
    'a26964cf0000000000000000',
    'a6737461747573ce00000194',
    'a76865616465727381a3582d41a2ffe4',
    'a4626f6479c40200ff',
  ];
  assert.equal(Buffer.from(bytes).toString('hex'), expected.join(''));
});

test('encodeReply never gives nil for headers and body', () => {
  const reply = decode(encodeReply({ status: 204, headers: new Map(), body: new Uint8Array(0) }));
  assert.ok(reply instanceof Map);
  assert.ok(reply.get('headers') instanceof Map);
  assert.ok(reply.get('body') instanceof Uint8Array);
});

test('encodeReply takes a body of many MiB without copying it again and again', () => {
  const body = Buffer.alloc(20 * 1024 * 1024, 1);
  const bytes = encodeReply({ status: 200, headers: new Map(), body });
  assert.ok(bytes.buffer.byteLength < body.length + 1024);
});
