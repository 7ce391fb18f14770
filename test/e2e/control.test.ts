import assert from 'node:assert/strict';
import { existsSync, lstatSync } from 'node:fs';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { ControlClient } from '../../runtime/src/control/client.ts';
import type { ControlStatus, PluginDetails, PluginStatus } from '../../runtime/src/control/protocol.ts';
import { NamedPlugin } from '../support/named-plugin.ts';
import { pulpCommand, type CommandEnd } from '../support/pulp-command.ts';
import { PulpProcess } from '../support/pulp-process.ts';
import type { Scope } from '../support/scope.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { trap } from '../support/wat-guest.ts';

interface Scene {
  readonly pulp: PulpProcess;
  readonly root: string;
  readonly one: NamedPlugin;
  readonly two: NamedPlugin;
  /** Asks the host with a command. */
  readonly ask: (...argv: string[]) => Promise<CommandEnd>;
  /** What a plugin answers: status and text. */
  readonly get: (name: string) => Promise<string>;
}

/** Two plugins on one host. */
async function scene(t: Scope, ...args: string[]): Promise<Scene> {
  const folder = await temporaryFolder(t);
  const root = join(folder, 'data');
  const one = await new NamedPlugin(folder, 'one').says('1', 'first');
  const two = await new NamedPlugin(folder, 'two').says('1', 'other');
  const pulp = await PulpProcess.start(t, {
    manifest: [one.folder, two.folder],
    args: ['-storage-root', root, ...args],
  });
  return {
    pulp,
    root,
    one,
    two,
    ask: (name, ...rest) => pulpCommand([name ?? '', '-storage-root', root, ...rest]),
    get: async (name) => {
      const response = await fetch(`${pulp.url}/${name}`);
      return `${response.status} ${await response.text()}`;
    },
  };
}

function listed({ out }: CommandEnd): PluginStatus[] {
  return out
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as PluginStatus);
}

suite('a running host', () => {
  test('lists its plugins, and tells all of one', async (t) => {
    const { ask, root, get } = await scene(t);
    assert.equal(lstatSync(join(root, 'pulp.sock')).mode & 0o777, 0o600);
    await get('one');
    const plugins = listed(await ask('ps'));
    assert.deepEqual(
      plugins.map(({ name, version, state, crashes, instance }) => [name, version, state, crashes, instance]),
      [
        ['one', '1', 'ready', 0, 1],
        ['two', '1', 'ready', 0, 1],
      ],
    );
    assert.match((await ask('ps', '-json=false')).out, /^NAME .*\none +1 +ready .*\ntwo +1 +ready .*\n$/);
    const [one] = JSON.parse((await ask('inspect', 'one')).out) as PluginDetails[];
    assert.deepEqual(one?.routes, ['GET /one']);
    assert.equal(one.wasm.endsWith(join('one', 'plugin.wasm')), true);
    assert.deepEqual(one.capabilities, ['transport.http.inbound']);
    assert.ok(one.memoryBytes > 0 && one.finishedEvents >= 1 && (one.readySince ?? 0) > 0);
    const stats = JSON.parse((await ask('stats')).out) as ControlStatus;
    assert.equal(stats.plugins.length, 2);
  });

  test('stops a plugin and starts it again, while the other goes on', async (t) => {
    const { ask, get } = await scene(t);
    assert.deepEqual(await ask('stop', 'one'), { code: 0, out: 'one\n', errors: '' });
    assert.match(await get('one'), /^503 /);
    assert.equal(await get('two'), '200 other');
    assert.deepEqual(
      listed(await ask('ps')).map(({ state }) => state),
      ['stopped', 'ready'],
    );
    assert.equal((await ask('stop', 'one')).code, 0, 'stopped is stopped');
    assert.deepEqual(await ask('start', 'one'), { code: 0, out: 'one\n', errors: '' });
    assert.equal(await get('one'), '200 first');
    assert.equal((await ask('restart', 'one', 'two')).out, 'one\ntwo\n');
    assert.equal(await get('one'), '200 first');
    const [one] = listed(await ask('ps'));
    assert.deepEqual([one?.instance, one?.crashes], [3, 0]);
  });

  test('puts new files to use without losing a request', async (t) => {
    const { ask, get, one } = await scene(t);
    await one.says('2', 'second');
    assert.equal(await get('one'), '200 first');
    const done = new AbortController();
    const answers = (async () => {
      const seen: string[] = [];
      while (!done.signal.aborted) seen.push(await get('one'));
      return seen;
    })();
    assert.deepEqual(await ask('reload', 'one'), { code: 0, out: 'one\n', errors: '' });
    assert.equal(await get('one'), '200 second');
    done.abort();
    for (const answer of await answers) assert.match(answer, /^200 (?:first|second)$/);
    assert.equal(listed(await ask('ps'))[0]?.version, '2');
  });

  test('keeps the old instance when the new one cannot start, and says why', async (t) => {
    const { ask, get, one, pulp } = await scene(t);
    await one.write('2', { init: trap() });
    const { code, out, errors } = await ask('reload', 'one');
    assert.deepEqual([code, out], [1, '']);
    assert.match(errors, /^pulp: .+\n$/);
    assert.equal(await get('one'), '200 first');
    one.module(Buffer.from('nonsense'));
    assert.equal((await ask('reload')).out, 'two\n');
    assert.equal(await get('one'), '200 first');
    assert.equal((await pulp.stop()).code, 0);
  });

  test('says which plugins it has when it is asked for another', async (t) => {
    const { ask } = await scene(t);
    const errors = 'pulp: no plugin is called "onne"; did you mean one? This host has: one, two\n';
    for (const command of ['stop', 'start', 'restart', 'reload', 'logs']) {
      assert.deepEqual(await ask(command, 'onne'), { code: 1, out: '', errors }, command);
    }
  });

  test('gives its log, from the first line to the last', async (t) => {
    const { ask, pulp, root } = await scene(t);
    const boots = (await ask('logs', '-json', '-tail', '100')).out.match(/"msg":"pulp boot"/g);
    assert.equal(boots?.length, 2);
    const own = (await ask('logs', 'one', '-log-format', 'text')).out;
    assert.match(own, /msg="init complete" plugin=one/);
    assert.doesNotMatch(own, /plugin=two/);
    const following = ask('logs', '-f', '-tail', '1');
    await ask('restart', 'two');
    assert.equal((await pulp.stop()).code, 0);
    const { code, out } = await following;
    assert.equal(code, 0);
    assert.match(out, /msg="shutdown complete" plugin=one.*\n(?:.*\n)*.*msg="pulp exit clean"\n$/);
    assert.ok(!existsSync(root), 'nothing is left behind');
  });
});

suite('a control socket', () => {
  test('of a host that was killed is replaced by the next', async (t) => {
    const { pulp, root, one } = await scene(t);
    await pulp.stop('SIGKILL');
    assert.ok(existsSync(join(root, 'pulp.sock')));
    const none = await pulpCommand(['ps', '-storage-root', root]);
    assert.equal(none.code, 1);
    assert.match(none.errors, /^pulp: no host listens at .*; start one with `pulp run FOLDER .*\n$/);
    await PulpProcess.start(t, { manifest: one.folder, args: ['-storage-root', root] });
    assert.equal(listed(await pulpCommand(['ps', '-storage-root', root])).length, 1);
  });

  test('of a host that is killed while its log is followed: the reader is told', async (t) => {
    const { pulp, root } = await scene(t);
    const lines = new ControlClient(root).logs({ follow: true, tail: 1 });
    assert.equal((await lines.next()).done, false);
    const more = assert.rejects(async () => {
      while ((await lines.next()).done !== true);
    }, /pulp\.sock: the host ended in the middle of its answer: /);
    await pulp.stop('SIGKILL');
    await more;
  });

  test('of a host that lives stays its own; the other host runs without', async (t) => {
    const { ask, root, one } = await scene(t);
    const second = await PulpProcess.start(t, { manifest: one.folder, args: ['-storage-root', root] });
    const { reason = '' } = await second.line('control socket not made');
    assert.match(reason, /another host listens there/);
    assert.equal((await second.stop()).code, 0);
    assert.equal(listed(await ask('ps')).length, 2);
  });

  test('is not made when it is turned off', async (t) => {
    const { root } = await scene(t, '-control=false');
    assert.ok(!existsSync(root));
  });

  test('that cannot be made does not keep the host from running', async (t) => {
    const folder = await temporaryFolder(t);
    const one = await new NamedPlugin(folder, 'one').says('1', 'first');
    const root = join(one.folder, 'plugin.wasm', 'data');
    const pulp = await PulpProcess.start(t, { manifest: one.folder, args: ['-storage-root', root] });
    await pulp.line('control socket not made');
    await pulp.alive('/one');
  });
});
