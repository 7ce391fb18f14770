import assert from 'node:assert/strict';
import { before, suite, test } from 'node:test';
import { encode, type Encodable } from '../../../runtime/src/abi/msgpack/value.ts';
import { decodeHttpFetchRequest } from '../../../runtime/src/abi/structs.ts';
import type { HostFunction, RawResult } from './fake-host.ts';
import { compile, Guest, hostImports } from './harness.ts';

const source = `
import { Fetch, MapView, Reply, fetch, log, onEvent, onTick } from "pulp-sdk-assemblyscript";

let kept: Reply | null = null;

function show(reply: Reply): void {
  kept = reply;
  log.info(reply.ok.toString() + "|" + reply.code.toString() + "|" + reply.status.toString() + "|" + reply.error + "|"
    + reply.headers.get("content-type", "none") + "|" + reply.body.length.toString() + "|" + reply.text());
}

onEvent("ask", (event: MapView) => {
  const how = event.get("how");
  if (how == "get") show(fetch("http://a.test/x?y=1"));
  else if (how == "post") show(Fetch.post("http://a.test/").header("X-A", "1").header("x-a", "2").header("X-B", "ü").text("grüße").send());
  else if (how == "json") show(Fetch.put("http://a.test/").json('{"a":1}').header("content-type", "application/ld+json").send());
  else if (how == "bytes") {
    const body = new Uint8Array(3);
    body[1] = 255;
    show(Fetch.del("http://a.test/").bytes(body.subarray(1)).timeout(1500).send());
  } else if (how == "forever") show(new Fetch("PURGE", "http://a.test/").timeout(i64.MAX_VALUE).send());
});
onTick(() => {
  const reply = kept;
  if (reply !== null) show(reply);
});
`;

interface Shown {
  readonly ok: boolean;
  readonly code: number;
  readonly status: number;
  readonly error: string;
  readonly type: string;
  readonly length: number;
  readonly text: string;
}

function shown(line: string): Shown {
  const [ok, code, status, error = '', type = '', length, ...text] = line.replace(/\n$/, '').split('|');
  return {
    ok: ok === 'true',
    code: Number(code),
    status: Number(status),
    error,
    type,
    length: Number(length),
    text: text.join('|'),
  };
}

const reply: { readonly [key: string]: Encodable } = {
  id: 0n,
  status: 200n,
  headers: { 'Content-Type': 'text/x-test', 'X-Other': 'y' },
  body: Buffer.from('grüße'),
};

suite('fetch', () => {
  let plugin: WebAssembly.Module;
  before(async () => {
    plugin = await compile(source);
  });

  function start(answer: HostFunction): Guest {
    const guest = new Guest(plugin, { host: { http_fetch: answer } });
    assert.equal(guest.init(), 0);
    return guest;
  }

  function ask(how: string, answer: ReturnType<HostFunction>): Shown {
    const guest = start(() => answer);
    assert.equal(guest.event('ask', { how }), 0);
    return shown(guest.stdout);
  }

  function sent(how: string): ReturnType<typeof decodeHttpFetchRequest> {
    const guest = start(() => encode(reply));
    guest.event('ask', { how });
    return decodeHttpFetchRequest(guest.host.of('http_fetch')[0]?.inputs[0] ?? new Uint8Array());
  }

  test('imports http_fetch and nothing else', () => {
    assert.deepEqual(hostImports(plugin), ['http_fetch']);
  });

  test('asks with method, address, headers and body as they were given', () => {
    const get = sent('get');
    assert.deepEqual([get.method, get.url, get.body.length], ['GET', 'http://a.test/x?y=1', 0]);
    assert.equal(get.timeout, 0);
    const guest = start(() => encode(reply));
    for (const how of ['get', 'post', 'json', 'bytes']) guest.event('ask', { how });
    assert.deepEqual(guest.host.decoded('http_fetch').slice(0, 3), [
      { method: 'GET', url: 'http://a.test/x?y=1', headers: {}, body: '' },
      {
        method: 'POST',
        url: 'http://a.test/',
        headers: { 'Content-Type': 'text/plain; charset=utf-8', 'x-a': '2', 'X-B': 'ü' },
        body: 'grüße',
      },
      {
        method: 'PUT',
        url: 'http://a.test/',
        headers: { 'Content-Type': 'application/ld+json' },
        body: '{"a":1}',
      },
    ]);
    const bytes = sent('bytes');
    assert.equal(bytes.method, 'DELETE');
    assert.deepEqual(Buffer.from(bytes.body), Buffer.of(255, 0));
  });

  test('a time limit goes out in nanoseconds, and a huge one stays positive', () => {
    assert.equal(sent('bytes').timeout, 1_500_000_000);
    const { method, timeout } = sent('forever');
    assert.equal(method, 'PURGE');
    assert.ok(timeout > 2 ** 62);
  });

  test('gives status, headers and body of the reply', () => {
    assert.deepEqual(ask('get', encode(reply)), {
      ok: true,
      code: 0,
      status: 200,
      error: '',
      type: 'text/x-test',
      length: 7,
      text: 'grüße',
    });
  });

  test('a reply of any status is one, and only 200 to 299 is a success', () => {
    for (const [status, ok] of [
      [199, false],
      [200, true],
      [299, true],
      [300, false],
      [404, false],
      [599, false],
    ] as const) {
      const got = ask('get', encode({ ...reply, status: BigInt(status) }));
      assert.deepEqual([got.ok, got.code, got.status], [ok, 0, status]);
      assert.equal(got.error, ok ? '' : `status ${status}`);
      assert.equal(got.text, 'grüße');
    }
  });

  test('each failure is a code with words, and an empty reply', () => {
    for (const [code, error] of [
      [4, 'no reply: the request is not allowed, or it failed on the way'],
      [3, 'no reply: the host cannot decode it'],
      [5, 'no reply: code 5'],
      [7, 'no reply: there is no memory for the result'],
      [99, 'no reply: the capability is not declared in the manifest'],
    ] as const) {
      assert.deepEqual(ask('get', code), {
        ok: false,
        code,
        status: 0,
        error,
        type: 'none',
        length: 0,
        text: '',
      });
    }
  });

  test('fields may be missing, nil, unknown, or in another order', () => {
    const odd = encode({ zzz: [1n], body: null, headers: null, status: 204n });
    assert.deepEqual([ask('get', odd).status, ask('get', odd).length], [204, 0]);
    assert.equal(ask('get', encode({ status: 200n })).ok, true);
    assert.equal(ask('get', encode({ ...reply, body: 'as str' })).text, 'as str');
  });

  test('a reply that is cut off at any byte is code 3, and none of it is used', () => {
    const whole = encode(reply);
    const guest = start(() => whole.subarray(0, length));
    let length = 0;
    for (; length < whole.length; length++) {
      guest.stdout = '';
      guest.event('ask', { how: 'get' });
      const got = shown(guest.stdout);
      assert.deepEqual([got.ok, got.code, got.status, got.length, got.type], [false, 3, 0, 0, 'none']);
    }
    guest.stdout = '';
    guest.event('ask', { how: 'get' });
    assert.equal(shown(guest.stdout).ok, true);
  });

  test('what is no reply is code 3', () => {
    const raw: readonly (Uint8Array | RawResult)[] = [
      encode(null),
      encode([1n, 200n]),
      encode('x'),
      encode({}),
      ...[0n, 99n, 1000n, 2n ** 32n + 200n, -1n, 2n ** 63n].map((status) => encode({ ...reply, status })),
      encode({ ...reply, status: 200.5 }),
      encode({ ...reply, status: '200' }),
      ...['ddffffffff', 'dfffffffff', 'dbffffffff', 'c6ffffffff', 'c1', '81'.repeat(100_000)].map((hex) =>
        Buffer.from(hex, 'hex'),
      ),
      { pointer: 0, length: 100 },
      { pointer: 0xffff_fff0, length: 100 },
      { pointer: 64, length: 0xffff_ffff },
      { pointer: 0xffff_ffff, length: 0xffff_ffff },
    ];
    for (const answer of raw) {
      const got = ask('get', answer);
      assert.deepEqual([got.ok, got.code, got.status, got.length], [false, 3, 0, 0], JSON.stringify(answer));
    }
  });

  test('a reply with any one byte changed never traps', () => {
    const whole = encode(reply);
    let answer: Uint8Array = whole;
    const guest = start(() => answer);
    for (let i = 0; i < whole.length; i++) {
      for (const value of [
        0x00, 0x7f, 0x80, 0x9f, 0xbf, 0xc0, 0xc1, 0xc6, 0xc9, 0xcf, 0xd9, 0xdb, 0xdd, 0xdf, 0xff,
      ]) {
        answer = Uint8Array.from(whole);
        answer[i] = value;
        guest.event('ask', { how: 'get' });
      }
    }
    answer = whole;
    guest.stdout = '';
    guest.event('ask', { how: 'get' });
    assert.equal(shown(guest.stdout).ok, true);
  });

  test('a reply that is kept is still there in a later step, after much else', () => {
    const guest = start(() => encode(reply));
    guest.event('ask', { how: 'get' });
    const first = guest.stdout;
    for (let i = 0; i < 3_000; i++) guest.event('unknown', { filler: 'x'.repeat(500) });
    guest.stdout = '';
    guest.tick();
    assert.equal(guest.stdout, first);
  });

  test('memory does not grow over many large replies: what the host places is freed', () => {
    const body = new Uint8Array(1_000_000);
    const whole = encode({ ...reply, body });
    const guest = start(() => whole);
    let early = 0;
    for (let i = 0; i < 150; i++) {
      guest.event('ask', { how: 'post' });
      guest.stdout = '';
      guest.host.calls.length = 0;
      if (i === 40) early = guest.memory.buffer.byteLength;
    }
    assert.equal(guest.memory.buffer.byteLength, early);
  });
});
