import assert from 'node:assert/strict';
import { suite, test } from 'node:test';

import { type HttpRequest, encodeHttpRequest, encodeWsClose, encodeWsFrame, encodeWsOpen } from './events.ts';
import { Reader } from './msgpack/reader.ts';
import { decode } from './msgpack/value.ts';
import { Writer } from './msgpack/writer.ts';

const request: HttpRequest = {
  id: 2 ** 44 + 1,
  method: 'GET',
  path: '/echo/a b',
  params: ['msg', 'a b'],
  query: ['q', '1', 'empty', ''],
  headers: ['User-Agent', 'test', '__proto__', 'x'],
  body: Uint8Array.of(0, 255),
  host: 'example.com',
  remoteAddr: '127.0.0.1:5000',
  proto: 'HTTP/1.1',
  rawPath: '/echo/a%20b',
};

function written(write: (writer: Writer) => void): Uint8Array {
  const writer = new Writer();
  write(writer);
  return writer.take();
}

suite('events', () => {
  test('http.request has its fields in the order of the contract', () => {
    const value = decode(written((writer) => encodeHttpRequest(writer, request)));
    assert.ok(value instanceof Map);
    assert.deepEqual(
      [...value],
      [
        ['id', 2n ** 44n + 1n],
        ['method', 'GET'],
        ['path', '/echo/a b'],
        ['params', new Map([['msg', 'a b']])],
        [
          'query',
          new Map([
            ['q', '1'],
            ['empty', ''],
          ]),
        ],
        [
          'headers',
          new Map([
            ['User-Agent', 'test'],
            ['__proto__', 'x'],
          ]),
        ],
        ['body', Uint8Array.of(0, 255)],
        ['host', 'example.com'],
        ['remote_addr', '127.0.0.1:5000'],
        ['proto', 'HTTP/1.1'],
        ['raw_path', '/echo/a%20b'],
      ],
    );
  });

  test('http.request writes its id as uint64, and empty maps and body where there is nothing', () => {
    const empty = { ...request, id: 1, params: [], query: [], headers: [], body: new Uint8Array(0) };
    const hex = Buffer.from(written((writer) => encodeHttpRequest(writer, empty))).toString('hex');
    assert.ok(hex.startsWith('8ba26964cf0000000000000001'));
    assert.ok(
      hex.includes('a6706172616d7380 a5717565727980 a76865616465727380 a4626f6479c400'.replaceAll(' ', '')),
    );
  });

  test('text travels as the bytes that were received', () => {
    const bytes = Buffer.from(Uint8Array.from({ length: 256 }, (_, unit) => unit));
    const binary = bytes.toString('latin1');
    const event = written((writer) =>
      encodeHttpRequest(writer, {
        ...request,
        path: binary,
        query: [binary, binary],
        headers: ['A', '\xff'],
      }),
    );
    const fields = new Map<string, Uint8Array>();
    const reader = new Reader(event);
    for (let left = reader.map(); left > 0; left--) {
      const key = reader.text();
      if (key === 'path') {
        fields.set(key, reader.bytes());
      } else if (key === 'query') {
        assert.equal(reader.map(), 1);
        fields.set('key', reader.bytes());
        fields.set('value', reader.bytes());
      } else reader.skip();
    }
    for (const name of ['path', 'key', 'value'])
      assert.deepEqual(Buffer.from(fields.get(name) ?? []), bytes, name);
  });

  test('ws.open, ws.frame and ws.close', () => {
    assert.deepEqual(
      decode(
        written((writer) => encodeWsOpen(writer, { connId: 5, path: '/ws', query: ['a', 'b'], headers: [] })),
      ),
      new Map<string, unknown>([
        ['conn_id', 5n],
        ['path', '/ws'],
        ['query', new Map([['a', 'b']])],
        ['headers', new Map()],
      ]),
    );
    const frame = written((writer) =>
      encodeWsFrame(writer, { connId: 5, opcode: 2, payload: Uint8Array.of(7) }),
    );
    assert.equal(
      Buffer.from(frame).toString('hex'),
      '83 a7636f6e6e5f6964 cf0000000000000005 a66f70636f6465 cc02 a77061796c6f6164 c40107'.replaceAll(
        ' ',
        '',
      ),
    );
    const close = written((writer) => encodeWsClose(writer, { connId: 5, code: 1005, reason: '' }));
    assert.equal(
      Buffer.from(close).toString('hex'),
      '83 a7636f6e6e5f6964 cf0000000000000005 a4636f6465 cd03ed a6726561736f6e a0'.replaceAll(' ', ''),
    );
  });
});
