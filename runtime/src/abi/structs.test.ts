import assert from 'node:assert/strict';
import { suite, test } from 'node:test';

import { type Encodable, encode as encodeBuffer } from './msgpack/value.ts';
import {
  decodeFsPath,
  decodeFsPathMode,
  decodeFsRename,
  decodeFsTemp,
  decodeFsWriteOptions,
  decodeHttpFetchRequest,
  decodeHttpResponse,
  decodeRoute,
  decodeSseEmit,
  decodeWsClose,
  decodeWsSend,
} from './structs.ts';

/** As plain bytes, which is what views of guest memory are. */
const encode = (value: Encodable): Uint8Array => new Uint8Array(encodeBuffer(value));

const body = Uint8Array.of(1, 2);

suite('structs of guests', () => {
  test('HTTPResponse, as older guests send it and with cookies', () => {
    const old = { id: 1n, status: 201n, headers: { 'Content-Type': 'text/plain' }, body };
    const expected = { id: 1, status: 201, headers: [['Content-Type', ['text/plain']]], body, cookies: [] };
    assert.deepEqual(decodeHttpResponse(encode(old)), expected);
    assert.deepEqual(decodeHttpResponse(encode(Object.values(old))), expected);
    const cookies = ['a=1', 'b=2'];
    assert.deepEqual(decodeHttpResponse(encode({ ...old, cookies })), { ...expected, cookies });
    assert.deepEqual(decodeHttpResponse(encode([...Object.values(old), cookies])), { ...expected, cookies });
  });

  test('HTTPResponse with nothing but an id has status 0', () => {
    assert.deepEqual(decodeHttpResponse(encode({ id: 9n })), {
      id: 9,
      status: 0,
      headers: [],
      body: new Uint8Array(0),
      cookies: [],
    });
  });

  test('HTTPFetchRequest, with and without timeout', () => {
    const old = { method: 'post', url: 'https://a.example/', headers: { A: ['b'] }, body };
    const expected = { ...old, headers: [['A', ['b']]], timeout: 0 };
    assert.deepEqual(decodeHttpFetchRequest(encode(old)), expected);
    assert.deepEqual(decodeHttpFetchRequest(encode(Object.values(old))), expected);
    const timeout = 5_000_000_000n;
    assert.equal(decodeHttpFetchRequest(encode({ ...old, timeout })).timeout, 5e9);
    assert.equal(decodeHttpFetchRequest(encode([...Object.values(old), timeout])).timeout, 5e9);
  });

  test('routes', () => {
    assert.deepEqual(decodeRoute(encode({ method: 'GET', path: '/a/:b' })), { method: 'GET', path: '/a/:b' });
    assert.deepEqual(decodeRoute(encode(['GET', '/'])), { method: 'GET', path: '/' });
  });

  test('WebSocket frames and closes', () => {
    assert.deepEqual(decodeWsSend(encode({ conn_id: 3n, opcode: 1n, payload: 'ab' })), {
      conn_id: 3,
      opcode: 1,
      payload: Uint8Array.of(0x61, 0x62),
    });
    assert.deepEqual(decodeWsSend(encode([3n, 2n, body])), { conn_id: 3, opcode: 2, payload: body });
    assert.deepEqual(decodeWsClose(encode({ conn_id: 3n })), { conn_id: 3, code: 0, reason: '' });
    assert.deepEqual(decodeWsClose(encode([3n, 4000n, 'bye'])), { conn_id: 3, code: 4000, reason: 'bye' });
  });

  test('server-sent events', () => {
    assert.deepEqual(decodeSseEmit(encode({ path: '/e', data: 'x\ny' })), {
      path: '/e',
      id: '',
      event: '',
      data: 'x\ny',
    });
    assert.deepEqual(decodeSseEmit(encode(['/e', '1', 'tick', 'x'])), {
      path: '/e',
      id: '1',
      event: 'tick',
      data: 'x',
    });
  });

  test('file operations', () => {
    assert.deepEqual(decodeFsWriteOptions(encode({ mode: 0o600n })), { mode: 0o600 });
    assert.deepEqual(decodeFsPath(encode({ path: 'a/b' })), { path: 'a/b' });
    assert.deepEqual(decodeFsRename(encode({ old: 'a', new: 'b' })), { old: 'a', new: 'b' });
    assert.deepEqual(decodeFsPathMode(encode({ path: 'a', mode: 0o755n })), { path: 'a', mode: 0o755 });
    assert.deepEqual(decodeFsTemp(encode({ dir: '', pattern: 'x-*' })), { dir: '', pattern: 'x-*' });
  });
});
