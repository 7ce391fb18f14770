import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, suite, test } from 'node:test';
import { buildPlugins } from '../../../scripts/build-plugins.ts';
import { Guest, request, text } from './harness.ts';

const folder = join(import.meta.dirname, '../../../plugins');

function load(name: string): WebAssembly.Module {
  return new WebAssembly.Module(readFileSync(join(folder, name, 'build', `${name}.wasm`)));
}

function imports(module: WebAssembly.Module): string[] {
  return WebAssembly.Module.imports(module)
    .map((entry) => `${entry.module}.${entry.name}`)
    .toSorted();
}

suite('example plugins', () => {
  before(() => buildPlugins({ only: ['heartbeat', 'echo', 'welcome'] }));

  test('heartbeat reports the marker of its config and the last call number, and needs no capability', () => {
    const module = load('heartbeat');
    assert.deepEqual(imports(module), ['wasi_snapshot_preview1.fd_write']);
    const guest = new Guest(module);
    assert.equal(guest.init({ marker: 424_242n }), 0);
    for (let i = 0; i < 3; i++) guest.tick();
    assert.equal(guest.call('probe_last_call'), 2n);
    assert.equal(guest.call('probe_config_marker'), 424_242n);
    assert.equal(Number(guest.call('pulp_shutdown')), 0);
    assert.equal(guest.stdout, 'heartbeat: init, marker 424242\nheartbeat: shutdown after call 2\n');
  });

  test('echo answers with the parameter, and with the body and its type', () => {
    const module = load('echo');
    assert.deepEqual(imports(module), [
      'pulp.http_register',
      'pulp.http_respond',
      'wasi_snapshot_preview1.fd_write',
    ]);
    const guest = new Guest(module);
    assert.equal(guest.init(), 0);
    assert.deepEqual(guest.routes, [
      { method: 'GET', path: '/echo/:msg' },
      { method: 'POST', path: '/echo' },
    ]);
    const got = guest.request({
      path: '/echo/hi there',
      raw_path: '/echo/hi%20there',
      params: { msg: 'hi there' },
    });
    assert.equal(text(got), 'hi there');
    assert.equal(got?.headers.get('Content-Type'), 'text/plain; charset=utf-8');
    const posted = { method: 'POST', path: '/echo', body: Buffer.of(0, 255) };
    assert.deepEqual(guest.request(posted)?.body, Uint8Array.of(0, 255));
    assert.equal(guest.answers[0]?.headers.get('Content-Type'), 'application/octet-stream');
    assert.equal(
      guest.request({ ...posted, headers: { 'Content-Type': 'image/png' } })?.headers.get('Content-Type'),
      'image/png',
    );
  });

  test('welcome shows the request, the figures and the config, with everything escaped', () => {
    const guest = new Guest(load('welcome'));
    assert.equal(guest.init({ greeting: 'Hi <there>', memory_pages: 256n }), 0);
    guest.tick();
    guest.tick();
    const answer = guest.request({
      host: '<host>',
      raw_path: '/',
      query: { '<q>': `"'&` },
      headers: { 'X-<Evil>': '<script>alert(1)</script>' },
    });
    const page = text(answer);
    assert.equal(answer?.headers.get('Content-Type'), 'text/html; charset=utf-8');
    for (const part of [
      '<h1>Hi &lt;there&gt;</h1>',
      '<dt>Step</dt><dd>#2</dd>',
      '<dt>Requests</dt><dd>1</dd>',
      '<dt>Ticks</dt><dd>2</dd>',
      '<th scope="row">&lt;q&gt;</th><td>&quot;&#39;&amp;</td>',
      '<th scope="row">X-&lt;Evil&gt;</th><td>&lt;script&gt;alert(1)&lt;/script&gt;</td>',
      'curl http://&lt;host&gt;/echo/hello',
      '<code>max_memory_pages = 256</code>',
      '<time>1970-01-01T00:00:00.000Z</time>',
    ]) {
      assert(page.includes(part), `${part} is missing in\n${page}`);
    }
    assert(!/<script|<there|<q>|<Evil|<host/.test(page));
    assert.match(
      JSON.stringify(answer?.headers.get('Content-Security-Policy')),
      /^"default-src 'none'; style-src 'unsafe-inline'/,
    );
    assert.equal(text(guest.request({ path: '/echo/x', params: { msg: 'x' } })), 'x');
    assert.equal(text(guest.request({ ...request, method: 'POST', path: '/echo', body: 'y' })), 'y');
    assert.equal(guest.stderr, '');
  });

  test('welcome tells the memory limit that its manifest sets', () => {
    const manifest = readFileSync(join(folder, 'welcome', 'pulp.plugin.toml'), 'utf8');
    const [, limit] = /^max_memory_pages = (\d+)$/m.exec(manifest) ?? [];
    const [, told] = /^memory_pages = (\d+)$/m.exec(manifest) ?? [];
    assert(limit);
    assert.equal(told, limit);
  });
});
