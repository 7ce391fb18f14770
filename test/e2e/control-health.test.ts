import assert from 'node:assert/strict';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import { ControlClient } from '../../runtime/src/control/client.ts';
import { NamedPlugin } from '../support/named-plugin.ts';
import { pulpCommand } from '../support/pulp-command.ts';
import { PulpProcess } from '../support/pulp-process.ts';
import type { Scope } from '../support/scope.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { all, busy, respond, trap, type WatGuest } from '../support/wat-guest.ts';

interface Scene {
  readonly pulp: PulpProcess;
  readonly root: string;
  /** What a path of the port for health answers: status and text. */
  readonly health: (path: string) => Promise<string>;
}

async function scene(t: Scope, guest: WatGuest, more: readonly string[] = []): Promise<Scene> {
  const folder = await temporaryFolder(t);
  const root = join(folder, 'data');
  const { folder: manifest } = await new NamedPlugin(folder, 'one').write('1', guest);
  const pulp = await PulpProcess.launch(t, {
    manifest,
    args: ['-storage-root', root, '-health-port', '0', ...more],
  });
  const { addr = '' } = await pulp.line('health server started');
  return {
    pulp,
    root,
    health: async (path) => {
      const response = await fetch(`http://${addr}${path}`);
      return `${response.status} ${await response.text()}`;
    },
  };
}

suite('-health-port', () => {
  test('is ready when every plugin is, from start to end', async (t) => {
    const { pulp, root, health } = await scene(t, {
      routes: { 'GET /one': respond({}), 'GET /trap': trap(), 'GET /slow': all(busy(1_500), respond({})) },
    });
    assert.equal(await health('/livez'), '200 ok\n');
    await pulp.line('http server started');
    // The listener is there a moment before the start is over.
    while ((await health('/readyz')) === '503 the host is starting\n');
    assert.equal(await health('/readyz'), '200 ok\n');
    assert.equal((await pulpCommand(['stop', 'one', '-storage-root', root])).code, 0);
    assert.equal(await health('/readyz'), '200 ok\n', 'that was on purpose');
    assert.equal((await pulpCommand(['start', 'one', '-storage-root', root])).code, 0);

    const { addr = '' } = await pulp.line('http server started');
    let answer = '';
    // Each crash makes the next pause longer.
    for (; !answer.startsWith('503'); answer = await health('/readyz')) await fetch(`http://${addr}/trap`);
    assert.match(answer, /^503 one is (?:restarting|starting|failed)\n$/);
    assert.equal(await health('/livez'), '200 ok\n');
    while ((await health('/readyz')) !== '200 ok\n');

    const slow = fetch(`http://${addr}/slow`);
    const control = new ControlClient(root);
    while ((await control.plugin('one')).queuedEvents === 0);
    const ended = pulp.stop();
    await pulp.line('signal received');
    assert.equal(await health('/readyz'), '503 the host is stopping\n');
    assert.equal(await health('/livez'), '200 ok\n');
    assert.equal((await slow).status, 200);
    assert.equal((await ended).code, 0);
  });

  test('is not ready for -shutdown-delay, while requests are served as ever; a second signal ends that', async (t) => {
    const guest = { routes: { 'GET /one': respond({ body: 'served' }) } };
    const { pulp, health } = await scene(t, guest, ['-shutdown-delay', '10m']);
    const { addr = '' } = await pulp.line('http server started');
    while ((await health('/readyz')) !== '200 ok\n');
    const end = pulp.stop('SIGTERM');
    await pulp.line('shutdown delayed');
    assert.equal(await health('/readyz'), '503 the host is stopping\n');
    assert.equal(await (await fetch(`http://${addr}/one`)).text(), 'served');
    // Within a moment it would count as the same signal.
    await setTimeout(200);
    pulp.signal('SIGTERM');
    assert.equal((await end).code, 143);
  });

  test('is alive and not ready while a plugin starts', async (t) => {
    const { pulp, health } = await scene(t, { init: busy(1_500), routes: { 'GET /one': respond({}) } });
    assert.equal(await health('/livez'), '200 ok\n');
    assert.match(await health('/readyz'), /^503 /);
    await pulp.line('init complete');
  });

  test('that is taken keeps the host from starting', async (t) => {
    const { pulp } = await scene(t, {});
    const { addr = '' } = await pulp.line('health server started');
    const port = addr.split(':')[1] ?? '';
    const folder = await temporaryFolder(t);
    const { folder: manifest } = await new NamedPlugin(folder, 'one').says('1', 'a');
    const end = await PulpProcess.run(t, { manifest, args: ['-health-port', port] });
    assert.equal(end.code, 1);
    assert.match(
      end.stderr,
      /cannot listen on 127\.0\.0\.1, port \d+: another program uses it; .* -health-port/,
    );
  });
});
