import assert from 'node:assert/strict';
import { before, suite, test } from 'node:test';
import { encode, type Encodable } from '../../../runtime/src/abi/msgpack/value.ts';
import { compile, Guest, request, text } from './harness.ts';

const source = `
import { MapView, Request, Response, get, onTick, log, quoteJSON, route } from "pulp-sdk-assemblyscript";

let kept: Request | null = null;
let keptHeaders: MapView | null = null;

function show(view: MapView): string {
  const keys = view.keys();
  const parts: string[] = [];
  for (let i = 0; i < keys.length; i++) parts.push(quoteJSON(keys[i]) + ":" + quoteJSON(view.get(keys[i])));
  return "{" + parts.join(",") + "}";
}

function fields(request: Request): Response {
  return Response.json("{" +
    '"id":' + quoteJSON(request.id.toString()) +
    ',"method":' + quoteJSON(request.method) +
    ',"path":' + quoteJSON(request.path) +
    ',"rawPath":' + quoteJSON(request.rawPath) +
    ',"params":' + show(request.params) +
    ',"query":' + show(request.query) +
    ',"headers":' + show(request.headers) +
    ',"text":' + quoteJSON(request.text()) +
    ',"host":' + quoteJSON(request.host) +
    ',"remoteAddr":' + quoteJSON(request.remoteAddr) +
    ',"proto":' + quoteJSON(request.proto) + "}");
}

get("/header/:name", (request) => {
  const name = request.params.get("name");
  return Response.text(request.headers.has(name).toString() + " " + request.headers.get(name, "none"));
});
get("/bytes/:value", (request) => Response.bytes(request.params.bytes("value")));
get("/keep", (request) => {
  kept = request;
  keptHeaders = request.headers;
  return Response.text(keptHeaders!.get("X"));
});
onTick(() => {
  const request = kept!;
  log.info(request.method + request.path + request.text() + request.params.get("a") + keptHeaders!.get("X")
    + keptHeaders!.size.toString() + keptHeaders!.keys().length.toString() + request.body.length.toString());
});
route("POST", "/body", (request) => Response.bytes(request.body));
route("PUT", "/*rest", fields);
`;

function pair(key: string, value: Encodable): Buffer {
  return Buffer.concat([encode(key), encode(value)]);
}

suite('request', () => {
  let plugin: WebAssembly.Module;
  before(async () => {
    plugin = await compile(source);
  });

  function start(): Guest {
    const guest = new Guest(plugin);
    assert.equal(guest.init(), 0);
    return guest;
  }

  const whole = {
    id: 2n ** 53n - 1n,
    method: 'PUT',
    path: '/a b/ü',
    raw_path: '/a%20b/%C3%BC',
    params: { rest: 'a b/ü' },
    query: { q: '1 & 2', '': 'empty key', ключ: 'значение' },
    headers: { 'Content-Type': 'text/plain', 'X-Empty': '' },
    body: Buffer.from('body "text" \u{1f34a}\n'),
    host: 'example.com:8080',
    remote_addr: '[::1]:40000',
    proto: 'HTTP/2.0',
  };
  const shown = {
    id: '9007199254740991',
    method: 'PUT',
    path: '/a b/ü',
    rawPath: '/a%20b/%C3%BC',
    params: { rest: 'a b/ü' },
    query: { q: '1 & 2', '': 'empty key', ключ: 'значение' },
    headers: { 'Content-Type': 'text/plain', 'X-Empty': '' },
    text: 'body "text" \u{1f34a}\n',
    host: 'example.com:8080',
    remoteAddr: '[::1]:40000',
    proto: 'HTTP/2.0',
  };

  test('every field arrives', () => {
    assert.deepEqual(JSON.parse(text(start().request(whole))), shown);
  });

  test('fields come in any order, unknown ones are passed over, missing ones are empty', () => {
    const guest = start();
    const odd: Encodable = {
      past: { nested: [1n, { deep: [null, 1.5, true] }] },
      hosts: 'x',
      querY: {},
      id3: 1n,
    };
    const reversed = Object.fromEntries(Object.entries({ ...whole, ...odd }).toReversed());
    assert.equal(guest.event('http.request', reversed), 0);
    assert.deepEqual(JSON.parse(text(guest.answers[0])), shown);

    guest.answers.length = 0;
    guest.event('http.request', { id: 5n, method: 'PUT', path: '/x' });
    assert.deepEqual(JSON.parse(text(guest.answers[0])), {
      id: '5',
      method: 'PUT',
      path: '/x',
      rawPath: '/x',
      params: {},
      query: {},
      headers: {},
      text: '',
      host: '',
      remoteAddr: '',
      proto: '',
    });
  });

  test('of a key given twice the last counts, and a payload before its kind is found', () => {
    const guest = start();
    const payload = Buffer.concat([
      Buffer.of(0x84),
      pair('method', 'POST'),
      pair('id', 1n),
      pair('method', 'PUT'),
      pair('path', '/x'),
    ]);
    guest.step(Buffer.concat([Buffer.of(0x82), encode('payload'), payload, pair('kind', 'http.request')]));
    const answered: unknown = JSON.parse(text(guest.answers[0]));
    assert(typeof answered === 'object' && answered !== null && 'method' in answered);
    assert.equal(answered.method, 'PUT');
  });

  test('a payload wrapped in a bin is taken, and bytes after the event are ignored', () => {
    const guest = start();
    const wrapped = encode({ kind: 'http.request', payload: encode({ ...request, ...whole }) });
    assert.equal(guest.step(Buffer.concat([wrapped, Buffer.of(0xc1, 0xff)])), 0);
    assert.deepEqual(JSON.parse(text(guest.answers[0])), shown);
  });

  test('nil maps and a nil body are empty', () => {
    const guest = start();
    const answer = guest.request({ method: 'PUT', params: null, query: null, headers: null, body: null });
    const answered: unknown = JSON.parse(text(answer));
    assert(typeof answered === 'object' && answered !== null && 'headers' in answered && 'text' in answered);
    assert.deepEqual([answered.headers, answered.text], [{}, '']);
  });

  test('header names match in either case, and only whole ones', () => {
    const guest = start();
    const ask = (name: string): string =>
      text(
        guest.request({
          path: `/header/${name}`,
          params: { name },
          headers: { 'X-Request-Id': '7', Ä: '8' },
        }),
      );
    assert.equal(ask('x-request-id'), 'true 7');
    assert.equal(ask('X-REQUEST-ID'), 'true 7');
    assert.equal(ask('x-request-i'), 'false none');
    assert.equal(ask('x-request-id2'), 'false none');
    assert.equal(ask('x@request-id'), 'false none');
    assert.equal(ask('Ä'), 'true 8');
  });

  test('a body of every byte comes back as it was', () => {
    const body = Uint8Array.from({ length: 256 }, (_, i) => i);
    assert.deepEqual(start().request({ method: 'POST', path: '/body', body })?.body, body);
  });

  test('bodies of all lengths that msgpack writes differently come back', () => {
    const guest = start();
    for (const length of [0, 1, 255, 256, 65_535, 65_536, 3_000_000]) {
      const body = new Uint8Array(length).fill(length % 251);
      assert(
        Buffer.from(body).equals(
          guest.request({ method: 'POST', path: '/body', body })?.body ?? Buffer.of(1),
        ),
      );
    }
  });

  test('bytes of a parameter are not changed where they are no UTF-8', () => {
    const value = Uint8Array.of(0x61, 0x00, 0xff, 0xc3, 0x28, 0xed, 0xa0, 0x80);
    const params = new Map<Encodable, Encodable>([['value', value]]);
    assert.deepEqual(start().request({ path: '/bytes/x', params })?.body, value);
  });

  test('text that is not UTF-8 is shown as the Encoding standard says', () => {
    const guest = start();
    const cases = [
      [0xff],
      [0xc3],
      [0xc3, 0x28],
      [0xc0, 0x80],
      [0xe2, 0x82],
      [0xe2, 0x82, 0x41],
      [0xed, 0xa0, 0x80],
      [0xf0, 0x9f, 0x8d],
      [0xf0, 0x80, 0x80, 0x80],
      [0xf4, 0x90, 0x80, 0x80],
      [0xf8, 0x88, 0x80, 0x80, 0x80],
      [0xe0, 0x9f, 0xbf],
      [0x41, 0x80, 0x42, 0xf0, 0x9f, 0x8d, 0x8a],
      [0xf4, 0x8f, 0xbf, 0xbf],
      [0x00],
      [0xef, 0xbb, 0xbf, 0x41],
    ];
    for (const bytes of cases) {
      const body = Buffer.concat([Buffer.from('12345678'), Uint8Array.from(bytes), Buffer.from('z')]);
      const answered: unknown = JSON.parse(text(guest.request({ method: 'PUT', path: '/', body })));
      assert(typeof answered === 'object' && answered !== null && 'text' in answered);
      assert.equal(answered.text, new TextDecoder('utf-8', { ignoreBOM: true }).decode(body), String(bytes));
    }
  });

  test('a request that is kept is empty once its step is over', () => {
    const guest = start();
    assert.equal(
      text(guest.request({ path: '/keep', params: { a: 'b' }, headers: { X: 'seen' }, body: 'body' })),
      'seen',
    );
    guest.tick();
    assert.equal(guest.stdout, '000\n');
  });
});
