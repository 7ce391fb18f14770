import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { suite, test } from 'node:test';
import { Host } from '../../runtime/src/host/host.ts';
import { silent } from '../support/guest-context.ts';
import { map, str } from '../support/msgpack-bytes.ts';
import { pluginFolder } from '../support/plugin-folder.ts';
import { RawConnection } from '../support/raw-http.ts';
import type { Scope } from '../support/scope.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { type Action, all, codes, respond, text, watGuest } from '../support/wat-guest.ts';

const capabilities = ['transport.http.inbound', 'transport.sse', 'transport.ws.inbound'];

/** Asks for a path, and notes the code: `SSE /path`, `WS /path`, or a method and a pattern. */
function claim(wish: string): Action {
  const [kind = '', path = ''] = wish.split(' ');
  const bytes = Buffer.from(path);
  const route = map([
    ['method', str(kind)],
    ['path', str(path)],
  ]);
  return (data) => {
    if (kind === 'SSE') return `(call $note (call $sse_register ${data.add(bytes)}))`;
    if (kind === 'WS') return `(call $note (call $ws_register ${data.add(bytes)}))`;
    return `(call $note (call $http_register ${data.add(route)}))`;
  };
}

interface Claims {
  /** What it asks for in its init. Its routes answer with its name. */
  readonly first?: readonly string[];
  /** What it asks for in the step of `POST /NAME/later`, which answers with the codes. */
  readonly later?: readonly string[];
}

function guest(name: string, { first = [], later = [] }: Claims): Promise<Uint8Array> {
  const routes = first.filter((wish) => !/^(SSE|WS) /.test(wish));
  return watGuest({
    imports: `(import "pulp" "sse_register" (func $sse_register (param i32 i32) (result i32)))
      (import "pulp" "ws_register" (func $ws_register (param i32 i32) (result i32)))`,
    init: all(text(''), ...first.filter((wish) => !routes.includes(wish)).map(claim)),
    routes: {
      [`POST /${name}/later`]: all(text('(global.set $codes (i32.const 0))'), ...later.map(claim), codes()),
      ...Object.fromEntries(routes.map((route) => [route, respond({ body: name })])),
    },
  });
}

async function made(t: Scope, name: string, claims: Claims): Promise<string> {
  const manifest = await pluginFolder(t, { wasm: await guest(name, claims) });
  await writeFile(
    manifest,
    `name = "${name}"\nversion = "1.0.0"\ncapabilities = ${JSON.stringify(capabilities)}\n`,
  );
  return manifest;
}

/** A host with two plugins, of which `good` starts first. */
async function hosting(t: Scope, claims: { readonly good: Claims; readonly bad: Claims }) {
  const manifests = { good: await made(t, 'good', claims.good), bad: await made(t, 'bad', claims.bad) };
  const host = await Host.start({
    manifest: [manifests.good, manifests.bad],
    httpPort: 0,
    httpHost: '127.0.0.1',
    storageRoot: await temporaryFolder(t),
    log: silent,
  });
  t.after(() => host.stop());
  const later = async (name: string): Promise<readonly number[]> => {
    const response = await fetch(`${host.url}/${name}/later`, { method: 'POST' });
    return [...new Uint8Array(await response.arrayBuffer())];
  };
  const body = async (path: string): Promise<string> => (await fetch(`${host.url}${path}`)).text();
  /** The status of an answer that need not end. */
  const status = async (path: string): Promise<number> => {
    const { status: code, body: stream } = await fetch(`${host.url}${path}`);
    await stream?.cancel();
    return code;
  };
  /** The status that a WebSocket handshake gets. */
  const shake = async (path: string): Promise<number> => {
    const connection = await RawConnection.open(t, Number(new URL(host.url ?? '').port));
    connection.head(
      `GET ${path} HTTP/1.1`,
      'Host: localhost',
      'Upgrade: websocket',
      'Connection: Upgrade',
      'Sec-WebSocket-Version: 13',
      'Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==',
    );
    return (await connection.response()).status;
  };
  /** Puts another module in the place of the plugin's own, and reloads it. */
  const reload = async (name: 'good' | 'bad', wishes: Claims): Promise<void> => {
    await writeFile(join(dirname(manifests[name]), 'plugin.wasm'), await guest(name, wishes));
    await host.reloadPlugin(name);
  };
  return { later, body, status, shake, reload };
}

suite('a path whose GET requests one plugin answers', { concurrency: 2 }, () => {
  test('is not given to the streams or WebSockets of another', async (t) => {
    const good = { first: ['GET /good', 'GET /50%25', 'GET /users/:id', 'GET /files/*rest', 'POST /post'] };
    const taken = ['/good', '/50%25', '/users/7', '/files/a/b'];
    const free = ['/free', '/users', '/post', '/50%'];
    const wishes = (kind: string): readonly string[] => [...taken, ...free].map((path) => `${kind} ${path}`);
    const bad = { later: [...wishes('SSE'), ...wishes('WS')] };
    const { later, body, shake } = await hosting(t, { good, bad });
    const each = [4, 4, 4, 4, 0, 0, 0, 0];
    assert.deepEqual(await later('bad'), [...each, ...each]);
    assert.deepEqual([await body('/good'), await body('/users/7')], ['good', 'good']);
    assert.equal(await shake('/good'), 200, 'as without WebSockets');
    assert.equal(await shake('/free'), 101);
  });

  test('is not given to the routes of another when it has streams or WebSockets', async (t) => {
    const good = { first: ['SSE /events', 'WS /chat'] };
    const ways = ['GET', 'HEAD', 'SSE', 'WS'];
    const taken = ['/events', '/chat'].flatMap((path) => ways.map((way) => `${way} ${path}`));
    const bad = { later: [...taken, 'POST /events', 'GET /:any', 'GET /*rest'] };
    const { later, shake } = await hosting(t, { good, bad });
    // A pattern with parameters has other paths, too, and comes behind streams and WebSockets anyway.
    assert.deepEqual(await later('bad'), [...taken.map(() => 4), 0, 0, 0]);
    assert.equal(await shake('/chat'), 101);
  });

  test('may be anything else of its own plugin, and HEAD goes with it', async (t) => {
    const good = { first: ['GET /all'], later: ['WS /all', 'SSE /all', 'HEAD /all', 'GET /all'] };
    const { later, shake } = await hosting(t, { good, bad: { later: ['HEAD /all', 'PUT /all'] } });
    assert.deepEqual(await later('bad'), [4, 0]);
    assert.deepEqual(await later('good'), [0, 0, 0, 0]);
    assert.equal(await shake('/all'), 101);
  });

  test('is not given away by an encoded slash, which to routes is none', async (t) => {
    const good = { first: ['GET /pkg/:name'] };
    const bad = { first: ['SSE /pkg/scope/name', 'WS /pkg/scope/name', 'SSE /own/a'] };
    const { body, shake, status } = await hosting(t, { good, bad });
    assert.deepEqual([await body('/pkg/scope%2Fname'), await shake('/pkg/scope%2fname')], ['good', 200]);
    assert.deepEqual([await shake('/pkg/scope/name'), await status('/own%2Fa')], [101, 200]);
  });

  test('stays its plugin’s when another takes every path that is left', async (t) => {
    const good = { first: ['SSE /events', 'WS /chat'], later: ['WS /events', 'SSE /chat'] };
    const { later, reload, body, shake } = await hosting(t, { good, bad: { first: ['GET /*rest'] } });
    assert.deepEqual([await body('/other'), await body('/chat')], ['bad', 'bad']);
    for (let round = 0; round < 2; round++) {
      await reload('good', { first: ['SSE /events', 'WS /chat'], later: ['SSE /events', 'WS /chat'] });
      assert.deepEqual(await later('good'), [0, 0]);
      assert.equal(await shake('/chat'), 101);
    }
    await reload('good', good);
    assert.deepEqual(await later('good'), [0, 0], 'it had the path first');
  });

  test('is free once its plugin has given it up, and not before', async (t) => {
    const bad = { later: ['SSE /given'] };
    const { later, body, reload } = await hosting(t, { good: { first: ['GET /given'] }, bad });
    assert.deepEqual(await later('bad'), [4]);
    await reload('bad', { first: ['SSE /given'], later: ['WS /given'] });
    assert.equal(await body('/given'), 'good', 'an instance that takes over asks as well');
    assert.deepEqual(await later('bad'), [4]);
    await reload('good', {});
    assert.deepEqual(await later('bad'), [0]);
  });
});
