import assert from 'node:assert/strict';
import { before, suite, test } from 'node:test';
import { compile, Guest, text } from './harness.ts';

const source = `
import { Response, config, del, get, onInit, post, put, route } from "pulp-sdk-assemblyscript";

get("/", () => Response.text("root"));
get("/a/:x", () => Response.text("param"));
get("/a/b", () => Response.text("never: the route above was first"));
get("/first/b", () => Response.text("static"));
get("/first/:x", () => Response.text("param"));
get("/files/*rest", () => Response.text("rest"));
get("/ü/x", () => Response.text("umlaut"));
get("/slash/", () => Response.text("slash"));
get("/one:two/*", () => Response.text("literal"));
put("/a/:x", () => Response.text("put"));
post("/a/:x", () => Response.text("post"));
del("/a/:x", () => Response.text("delete"));
route(" patch ", "/a/:x", () => Response.text("patch"));
route("HEAD", "/own", () => Response.text("own head"));
get("/own", () => Response.text("get"));
onInit(() => { if (config.bool("more")) get("/late", () => Response.text("late")); });
`;

suite('routes', () => {
  let plugin: WebAssembly.Module;
  before(async () => {
    plugin = await compile(source);
  });

  function start(config: { readonly [key: string]: boolean } = {}): Guest {
    const guest = new Guest(plugin);
    assert.equal(guest.init(config), 0);
    return guest;
  }

  test('are registered by init, in the order of the source', () => {
    const guest = new Guest(plugin);
    assert.equal(guest.routes.length, 0);
    guest.init({ more: true });
    assert.deepEqual(guest.routes.slice(0, 2), [
      { method: 'GET', path: '/' },
      { method: 'GET', path: '/a/:x' },
    ]);
    assert.deepEqual(
      guest.routes.slice(-4).map(({ method, path }) => `${method} ${path}`),
      ['PATCH /a/:x', 'HEAD /own', 'GET /own', 'GET /late'],
    );
  });

  test('a refused route fails init and names route and reason', () => {
    for (const [code, reason] of [
      [4, 'the host refused it'],
      [99, 'the capability is not declared in the manifest'],
    ] as const) {
      let calls = 0;
      const guest = new Guest(plugin, { code: () => (calls++ === 1 ? code : 0) });
      assert.notEqual(guest.init(), 0);
      assert.equal(guest.initError, `http_register: GET /a/:x: ${reason}`);
    }
  });

  const answers: readonly [string, string, string | undefined][] = [
    ['GET', '/', 'root'],
    ['GET', '/a/b', 'param'],
    ['GET', '/a/', 'param'],
    ['GET', '/a/x%2Fy', 'param'],
    ['GET', '/a/x/y', undefined],
    ['GET', '/a', undefined],
    ['GET', '//', undefined],
    ['GET', '/first/b', 'static'],
    ['GET', '/first/%62', 'static'],
    ['GET', '/first/b%2F', 'param'],
    ['GET', '/first/%6', 'param'],
    ['GET', '/files/', 'rest'],
    ['GET', '/files/a/b//c', 'rest'],
    ['GET', '/%C3%BC/x', 'umlaut'],
    ['GET', '/%c3%bc/x', 'umlaut'],
    ['GET', '/slash/', 'slash'],
    ['GET', '/slash', undefined],
    ['GET', '/one:two/*', 'literal'],
    ['GET', '/one:two/x', undefined],
    ['PUT', '/a/1', 'put'],
    ['POST', '/a/1', 'post'],
    ['DELETE', '/a/1', 'delete'],
    ['PATCH', '/a/1', 'patch'],
    ['get', '/a/1', undefined],
    ['HEAD', '/a/1', 'param'],
    ['HEAD', '/own', 'own head'],
    ['HEAD', '/slash', undefined],
  ];
  for (const [method, path, expected] of answers) {
    test(`${method} ${path} ${expected === undefined ? 'has no route' : `is for "${expected}"`}`, () => {
      const guest = start();
      const answer = guest.request({ method, raw_path: path, path: 'not looked at' });
      assert.equal(answer && text(answer), expected);
      if (expected === undefined)
        assert.equal(guest.stderr, `warning: no route of this plugin takes ${method} ${path}\n`);
    });
  }

  test('a host that gives no raw_path is matched by path, which is decoded already', () => {
    const guest = start();
    assert.equal(text(guest.request({ path: '/first/b' })), 'static');
    assert.equal(text(guest.request({ path: '/first/%62' })), 'param');
  });
});
