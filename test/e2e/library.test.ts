import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { Host, ModuleError } from '../../runtime/src/index.ts';
import { guestFolder } from '../support/guest-host.ts';
import { pluginFolder } from '../support/plugin-folder.ts';
import { respond, trap } from '../support/wat-guest.ts';

const local = { httpPort: 0, httpHost: '127.0.0.1' };

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
