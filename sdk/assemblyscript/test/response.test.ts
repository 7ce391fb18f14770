import assert from 'node:assert/strict';
import { before, suite, test } from 'node:test';
import { compile, Guest, text } from './harness.ts';

const source = `
import { Response, escapeHTML, get, log, post, quoteJSON } from "pulp-sdk-assemblyscript";

get("/text", () => Response.text("grüße \u{1f34a}"));
get("/lone", () => Response.text("a" + String.fromCharCode(0xd800) + "b"));
get("/json", () => Response.json('{"a":1}', 201));
get("/html", () => Response.html("<p>", 404));
get("/empty", () => Response.empty());
get("/bytes", () => {
  const body = new Uint8Array(3);
  body[1] = 255;
  return Response.bytes(body.subarray(1), "image/x-test", 203);
});
get("/headers", () => Response.text("x")
  .header("X-A", "1").header("x-a", "2")
  .append("Set-Cookie", "a=1").append("X-B", "ü").append("set-cookie", "b=2").append("Set-Cookie", "c=3")
  .header("content-type", "text/x-own"));
get("/bare", () => new Response(200));
get("/nothing", () => null);
get("/early", (request) => {
  log.info("first " + request.respond(Response.text("early")).toString());
  return null;
});
get("/twice", (request) => {
  request.respond(Response.text("one"));
  return Response.text("two");
});
get("/long/:count", (request) => Response.text("ü".repeat(i32.parse(request.params.get("count")))));
post("/quote", (request) => Response.json(quoteJSON(request.text())));
post("/escape", (request) => Response.html(escapeHTML(request.text())));
`;

suite('response', () => {
  let plugin: WebAssembly.Module;
  before(async () => {
    plugin = await compile(source);
  });

  function start(code = 0): Guest {
    const guest = new Guest(plugin, { code: (name) => (name === 'http_respond' ? code : 0) });
    assert.equal(guest.init(), 0);
    return guest;
  }

  test('each maker sets status, type and body', () => {
    const guest = start();
    const cases: readonly [string, bigint, string | undefined, Uint8Array][] = [
      ['/text', 200n, 'text/plain; charset=utf-8', Buffer.from('grüße \u{1f34a}')],
      ['/json', 201n, 'application/json', Buffer.from('{"a":1}')],
      ['/html', 404n, 'text/html; charset=utf-8', Buffer.from('<p>')],
      ['/bytes', 203n, 'image/x-test', Buffer.of(255, 0)],
      ['/empty', 204n, undefined, Buffer.of()],
      ['/bare', 200n, undefined, Buffer.of()],
    ];
    for (const [path, status, type, body] of cases) {
      const answer = guest.request({ path, id: 77n });
      assert.equal(answer?.id, 77n, path);
      assert.equal(answer.status, status, path);
      assert.equal(answer.headers.get('Content-Type'), type, path);
      assert.deepEqual(Buffer.from(answer.body), Buffer.from(body), path);
    }
  });

  test('half a surrogate pair goes out as U+FFFD: the body is always UTF-8', () => {
    assert.equal(text(start().request({ path: '/lone' })), 'a\ufffdb');
  });

  test('header replaces, append adds, and only what comes several times is an array', () => {
    assert.deepEqual(
      start().request({ path: '/headers' })?.headers,
      new Map<string, unknown>([
        ['Content-Type', 'text/x-own'],
        ['x-a', '2'],
        ['Set-Cookie', ['a=1', 'b=2', 'c=3']],
        ['X-B', 'ü'],
      ]),
    );
  });

  test('a handler that gives null leaves the request unanswered', () => {
    assert.equal(start().request({ path: '/nothing' }), undefined);
  });

  test('a handler can answer before it ends', () => {
    const guest = start();
    assert.equal(text(guest.request({ path: '/early' })), 'early');
    assert.equal(guest.answers.length, 1);
    assert.equal(guest.stdout, 'first true\n');
  });

  test('an answer that the host refuses is told and logged, and the plugin goes on', () => {
    const guest = start(4);
    guest.request({ path: '/early' });
    assert.equal(guest.stdout, 'first false\n');
    assert.equal(guest.stderr, 'warning: http_respond: request 1: the host refused it\n');
    guest.request({ path: '/twice' });
    assert.equal(guest.answers.length, 2);
  });

  test('bodies of all lengths that msgpack writes differently arrive whole', () => {
    const guest = start();
    for (const count of [0, 1, 15, 16, 127, 128, 200, 255, 256, 32_767, 32_768, 40_000, 65_536, 500_000]) {
      const params = { count: String(count) };
      assert.equal(text(guest.request({ path: '/long/x', params })), 'ü'.repeat(count), `${count} letters`);
    }
  });

  test('quoteJSON gives JSON for any text', () => {
    const guest = start();
    const all = String.fromCharCode(...Array.from({ length: 0x180 }, (_, i) => i));
    for (const body of ['', 'plain', '"\\/\b\f\n\r\t', '</script>', '\u2028\u{1f34a}\0', all]) {
      const quoted = text(guest.request({ method: 'POST', path: '/quote', body: Buffer.from(body) }));
      assert.equal(JSON.parse(quoted), body);
      assert(!quoted.includes('<'));
    }
  });

  test('escapeHTML leaves nothing that ends text or a quoted attribute', () => {
    const body = `a<b>&"'ü<`;
    const escaped = text(start().request({ method: 'POST', path: '/escape', body }));
    assert.equal(escaped, 'a&lt;b&gt;&amp;&quot;&#39;ü&lt;');
  });
});
