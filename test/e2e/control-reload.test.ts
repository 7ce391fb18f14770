import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { NamedPlugin } from '../support/named-plugin.ts';
import { patiently } from '../support/patiently.ts';
import { entry, environment, PulpProcess } from '../support/pulp-process.ts';
import type { Scope } from '../support/scope.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { until } from '../support/until.ts';
import { busy, respond, trap, type WatGuest } from '../support/wat-guest.ts';

interface Scene {
  readonly pulp: PulpProcess;
  readonly one: NamedPlugin;
  readonly answer: () => Promise<string>;
}

async function scene(t: Scope, ...args: string[]): Promise<Scene> {
  const folder = await temporaryFolder(t);
  const one = await new NamedPlugin(folder, 'one').says('1', 'first');
  const two = await new NamedPlugin(folder, 'two').says('1', 'other');
  const pulp = await PulpProcess.start(t, {
    manifest: [one.folder, two.folder],
    args: ['-storage-root', join(folder, 'data'), ...args],
  });
  return { pulp, one, answer: async () => (await fetch(`${pulp.url}/one`)).text() };
}

test('a host ends in order when nobody reads what it says any more', async (t) => {
  const folder = await temporaryFolder(t);
  const { folder: plugin } = await new NamedPlugin(folder, 'one').says('1', 'first');
  const argv = [entry, 'run', plugin, '-http-port', '0', '-storage-root', join(folder, 'data')];
  const child = spawn(process.execPath, argv, { stdio: ['ignore', 'pipe', 'pipe'], env: environment() });
  t.after(() => child.kill('SIGKILL'));
  let said = '';
  child.stdout.on('data', (chunk: Buffer) => (said += chunk.toString()));
  await until(() => said.includes('http server started'), 'it has started');
  child.stdout.destroy();
  child.stderr.destroy();
  const ended = once(child, 'exit');
  child.kill('SIGTERM');
  assert.deepEqual(await patiently(ended, () => 'it did not end'), [0, null]);
});

suite('SIGHUP', { skip: process.platform === 'win32' && 'it ends the process' }, () => {
  test('reloads every plugin, and goes on where one fails', async (t) => {
    const { pulp, one, answer } = await scene(t);
    await one.says('2', 'second');
    pulp.signal('SIGHUP');
    await pulp.line('reload asked for', { signal: 'SIGHUP' });
    await pulp.line('plugin reloaded', { plugin: 'two' });
    assert.equal(await answer(), 'second');
    await one.write('3', { init: trap() });
    pulp.signal('SIGHUP');
    const { reason } = await pulp.line('plugin reload failed', { plugin: 'one' });
    assert.ok(reason !== undefined && reason !== '');
    assert.equal(await answer(), 'second');
    assert.equal((await pulp.stop()).code, 0);
  });
});

/** One that answers at `/NAME`, and takes a while to start. */
const slow = (name: string, body: string): WatGuest => ({
  init: busy(1000),
  routes: { [`GET /${name}`]: respond({ body }) },
});

suite('-watch', () => {
  test('sees what changed while the host started', async (t) => {
    const folder = await temporaryFolder(t);
    const one = await new NamedPlugin(folder, 'one').write('1', slow('one', 'first'));
    const two = await new NamedPlugin(folder, 'two').write('1', slow('two', 'other'));
    const pulp = await PulpProcess.launch(t, {
      manifest: [one.folder, two.folder],
      args: ['-storage-root', join(folder, 'data'), '-watch'],
    });
    // The files of the first one have been read by then, and its init has not begun.
    await pulp.line('pulp boot', { plugin: 'two' });
    await one.write('2', slow('one', 'second'));
    await pulp.line('plugin reloaded', { plugin: 'one', version: '2' });
    assert.ok(!pulp.lines.some(({ plugin, msg }) => plugin === 'two' && msg === 'plugin reloaded'));
  });

  test('reloads a plugin when its files change, and only then', async (t) => {
    const { pulp, one, answer } = await scene(t, '-watch');
    await one.says('2', 'second');
    await pulp.line('plugin reloaded', { plugin: 'one' });
    assert.equal(await answer(), 'second');
    one.module(Buffer.from('half of a module'));
    await pulp.line('plugin reload failed', { plugin: 'one' });
    assert.equal(await answer(), 'second');
    await one.says('3', 'third');
    for (let text = ''; text !== 'third'; text = await answer());
    assert.equal(
      pulp.lines.filter(({ plugin, msg }) => plugin === 'two' && msg === 'plugin reloaded').length,
      0,
    );
  });
});
