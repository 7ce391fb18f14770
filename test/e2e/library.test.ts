import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { suite, test, type TestContext } from 'node:test';
import { printFunction, printImport } from '../../runtime/src/guest/guest-text.suite.ts';
import { Host, ModuleError } from '../../runtime/src/index.ts';
import { guestFolder } from '../support/guest-host.ts';
import { patiently } from '../support/patiently.ts';
import { pluginFolder } from '../support/plugin-folder.ts';
import { all, busy, respond, text, trap, watGuest, type Action } from '../support/wat-guest.ts';

const local = { httpPort: 0, httpHost: '127.0.0.1' };

const entry = new URL('../../runtime/src/index.ts', import.meta.url).href;

/**
 * A process that hosts a plugin, stops the host once it has logged a message so many times, and does nothing to end.
 * Gives what it wrote: how the host stopped.
 */
async function endingByItself(t: TestContext, manifest: string, message: string, times: number) {
  const script = join(dirname(manifest), 'host.mjs');
  const source = `import { Host } from ${JSON.stringify(entry)};
    const { promise, resolve } = Promise.withResolvers();
    let left = ${times};
    const note = (message) => {
      if (message === ${JSON.stringify(message)} && --left === 0) resolve();
    };
    const log = { debug() {}, info: note, warn: note, error: note };
    const host = await Host.start({ manifest: ${JSON.stringify(manifest)}, startTimeoutMs: 300_000, log });
    await promise;
    process.stdout.write(JSON.stringify(await host.stop()));`;
  await writeFile(script, source);
  const child = spawn(process.execPath, [script], { stdio: ['ignore', 'pipe', 'inherit'] });
  t.after(() => child.kill('SIGKILL'));
  let said = '';
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    said += chunk;
  });
  const closed = once(child, 'close');
  await patiently(closed, () => `something of the host still runs, which wrote: ${said}`);
  assert.equal(child.exitCode, 0);
  return JSON.parse(said) as unknown;
}

/** A plugin without sockets whose every tick breaks it. */
function breaking(t: TestContext, init: Action): Promise<string> {
  const guest = { imports: printImport, fields: printFunction('init begins\n'), init, tick: trap() };
  return watGuest(guest).then((wasm) => pluginFolder(t, { wasm, manifest: 'tick_interval_ms = 1' }));
}

suite('a host that was stopped keeps no process alive', { concurrency: 2 }, () => {
  test('a time for whole requests that is shorter than that for heads is a time for heads, too', async (t) => {
    const manifest = await pluginFolder(t, { wasm: await watGuest({ routes: { 'GET /ok': respond({}) } }) });
    await using host = await Host.start({ ...local, manifest, bodyTimeoutMs: 5000 });
    assert.equal((await fetch(`${host.url}/ok`)).status, 200);
  });

  test('when its plugin was to start again a little later', async (t) => {
    const manifest = await breaking(t, text(''));
    assert.deepEqual(await endingByItself(t, manifest, 'plugin restarts', 4), { clean: true });
  });

  test('when its plugin was to start again after a long while', async (t) => {
    const manifest = await breaking(t, text(''));
    assert.deepEqual(await endingByItself(t, manifest, 'plugin failed', 1), { clean: true });
  });

  test('when its plugin was starting again', async (t) => {
    const manifest = await breaking(t, all(text('(call $print)'), busy(500)));
    assert.deepEqual(await endingByItself(t, manifest, 'init begins', 2), { clean: true });
  });
});

suite('Host as a library', () => {
  test('starts, says where it serves, and ends when its scope does', async (t) => {
    const manifest = await guestFolder(t, {});
    let url: string | undefined;
    let finished: Promise<{ code: number }>;
    {
      await using host = await Host.start({ ...local, manifest });
      ({ url, finished } = host);
      assert.match(url ?? '', /^http:\/\/127\.0\.0\.1:\d+$/);
      assert.equal(await (await fetch(`${url}/ok`)).text(), 'ok');
    }
    assert.deepEqual(await finished, { code: 0 });
    await assert.rejects(fetch(`${url}/ok`));
  });

  test('can be stopped twice, also at the same time, and disposed of behind that', async (t) => {
    const host = await Host.start({ ...local, manifest: await guestFolder(t, {}) });
    assert.deepEqual(await Promise.all([host.stop(), host.stop()]), [{ clean: true }, { clean: true }]);
    assert.deepEqual(await host.stop(), { clean: true });
    await host[Symbol.asyncDispose]();
  });

  test('has no url without an inbound transport, and several hosts do not disturb each other', async (t) => {
    const wasm = await guestFolder(t, { routes: { 'GET /who': respond({ body: 'guest' }) } });
    await using first = await Host.start({ ...local, manifest: wasm });
    await using second = await Host.start({ ...local, manifest: wasm });
    assert.notEqual(first.url, second.url);
    await first.stop();
    assert.equal(await (await fetch(`${second.url}/who`)).text(), 'guest');
  });

  test('rejects a plugin that cannot be loaded with an error that says whose fault it is', async (t) => {
    const manifest = await pluginFolder(t, { wasm: Buffer.from('not wasm') });
    await assert.rejects(Host.start({ ...local, manifest }), ModuleError);
  });

  test('rejects, and leaves nothing behind, when the port is taken', async (t) => {
    const manifest = await guestFolder(t, {});
    await using first = await Host.start({ ...local, manifest });
    const httpPort = Number(new URL(first.url ?? '').port);
    await assert.rejects(Host.start({ ...local, httpPort, manifest }), {
      code: 'EADDRINUSE',
      syscall: 'listen',
    });
    assert.equal((await fetch(`${first.url}/ok`)).status, 200);
  });

  test('finishes by itself when its plugin may not be started again', async (t) => {
    const manifest = await guestFolder(t, { routes: { 'GET /trap': trap() } }, 'restart = "never"');
    await using host = await Host.start({ ...local, manifest });
    assert.equal((await fetch(`${host.url}/trap`)).status, 502);
    assert.deepEqual(await host.finished, { code: 1 });
  });

  test('gives its log to whoever asks for it', async (t) => {
    const messages: string[] = [];
    const note = (message: string): void => {
      messages.push(message);
    };
    const log = { debug: note, info: note, warn: note, error: note };
    await using host = await Host.start({ ...local, manifest: await guestFolder(t, {}), log });
    assert.ok(host.url !== undefined);
    assert.ok(
      messages.includes('pulp boot') && messages.includes('http server started'),
      messages.join('\n'),
    );
  });
});
