import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { FakeHost, pluginStatus } from '../../../test/support/fake-host.ts';
import type { Scope } from '../../../test/support/scope.ts';
import { temporaryFolder } from '../../../test/support/temporary-folder.ts';
import { controlAddress } from '../control/address.ts';
import { LogHistory } from '../control/log-history.ts';
import { ControlServer } from '../control/server.ts';
import { main } from './main.ts';

interface Answer {
  readonly code: number;
  readonly out: string;
  readonly errors: string;
}

interface Scene {
  readonly root: string;
  readonly host: FakeHost;
  readonly history: LogHistory;
  readonly pulp: (argv: readonly string[], options?: { readonly isTerminal?: boolean }) => Promise<Answer>;
}

/** The command beside a host that only notes what it is asked for. */
async function scene(t: Scope): Promise<Scene> {
  const root = await temporaryFolder(t);
  const host = new FakeHost();
  const history = new LogHistory();
  const server = await ControlServer.open({
    path: controlAddress(root),
    host: () => host,
    health: () => host.status(),
    history,
    version: '1',
  });
  t.after(() => server[Symbol.asyncDispose]());
  return { root, host, history, pulp: (argv, options) => command(argv, root, options) };
}

async function command(
  argv: readonly string[],
  root: string,
  { isTerminal = false }: { readonly isTerminal?: boolean } = {},
): Promise<Answer> {
  let [out, errors] = ['', ''];
  const code = await main(
    argv,
    { PULP_STORAGE_ROOT: root },
    {
      isTerminal,
      say: (text) => Promise.resolve(void (out += text)),
      complain: (text) => Promise.resolve(void (errors += text)),
    },
  );
  return { code, out, errors };
}

const names = (out: string): unknown[] =>
  out
    .trimEnd()
    .split('\n')
    .map((line) => (JSON.parse(line) as { name: unknown }).name);

suite('pulp ps', () => {
  test('is a table on a terminal, and an object a line elsewhere', async (t) => {
    const { host, pulp } = await scene(t);
    host.plugins = [
      pluginStatus('echo', { readySince: Date.now() - 312_500, thread: 0 }),
      pluginStatus('chat', { state: 'failed', reason: 'trap\x1b[2J', crashes: 5 }),
    ];
    const table = await pulp(['ps'], { isTerminal: true });
    assert.deepEqual([table.code, table.errors], [0, '']);
    const [heads = '', echo = '', chat = ''] = table.out.split('\n');
    assert.match(heads, /^NAME +VERSION +STATE +UPTIME +CRASHES +MEMORY +QUEUE +THREAD +REASON$/);
    assert.match(echo, /^echo +1\.2\.3 +ready +5m1\ds +0 +64KiB +0 +0$/);
    assert.match(chat, /^chat +1\.2\.3 +failed +- +5 +64KiB +0 +- +trap\\x1b\[2J$/);
    const json = await pulp(['ps']);
    assert.deepEqual(names(json.out), ['echo', 'chat']);
    assert.equal((await pulp(['ps', '--json'], { isTerminal: true })).out, json.out);
    assert.match((await pulp(['ps', '--json=false'])).out, /^NAME /);
    assert.equal((await pulp(['ps', '-q'], { isTerminal: true })).out, 'echo\nchat\n');
  });
});

suite('pulp stats', () => {
  test('is one look unless it is to go on', async (t) => {
    const { pulp } = await scene(t);
    const table = await pulp(['stats'], { isTerminal: true });
    assert.match(table.out, /^host 1: CPU .*\n\nNAME .*\necho .*\nchat .*\n$/);
    const { plugins } = JSON.parse((await pulp(['stats'])).out) as { plugins: { name: string }[] };
    assert.deepEqual(
      plugins.map(({ name }) => name),
      ['echo', 'chat'],
    );
  });

  test('are of the plugins that are named', async (t) => {
    const { pulp } = await scene(t);
    const { out } = await pulp(['stats', 'chat']);
    assert.deepEqual(
      (JSON.parse(out) as { plugins: { name: string }[] }).plugins.map(({ name }) => name),
      ['chat'],
    );
    const { code, errors } = await pulp(['stats', 'chta']);
    assert.equal(code, 1);
    assert.match(errors, /^pulp: no plugin is called "chta"; did you mean chat\?/);
  });
});

suite('pulp logs', () => {
  test('shows what is kept, in the format it is asked for', async (t) => {
    const { history, pulp } = await scene(t);
    const now = Date.now();
    history.add({ time: now - 120_000, level: 'info', message: 'old', fields: { plugin: 'echo' } });
    history.add({ time: now, level: 'info', message: 'new', fields: { plugin: 'echo' } });
    history.add({ time: now, level: 'warn', message: 'other', fields: { plugin: 'chat' } });
    const shown = async (...argv: string[]): Promise<string[]> =>
      Array.from((await pulp(['logs', ...argv])).out.matchAll(/msg=(\w+)/g), ([, message = '']) => message);
    assert.deepEqual(await shown(), ['old', 'new', 'other']);
    assert.deepEqual(await shown('echo'), ['old', 'new']);
    assert.deepEqual(await shown('-n', '1'), ['other']);
    assert.deepEqual(await shown('--tail=2', '--since', '1m'), ['new', 'other']);
    assert.match((await pulp(['logs', 'chat', '--json'])).out, /^\{"time":".*","msg":"other"/);
    assert.ok((await pulp(['logs', 'chat'], { isTerminal: true })).out.includes('\x1b[33mWARN '));
  });

  test('goes on until the host ends', async (t) => {
    const { history, pulp } = await scene(t);
    history.add({ time: 0, level: 'info', message: 'first', fields: {} });
    const following = pulp(['logs', '-f']);
    history.add({ time: 0, level: 'info', message: 'second', fields: {} });
    const timer = setTimeout(() => history.end(), 100);
    const { code, out } = await following;
    clearTimeout(timer);
    assert.equal(code, 0);
    assert.equal(out.trimEnd().split('\n').length, 2);
  });
});

suite('pulp stop, start, restart, reload', () => {
  test('do it with each plugin, and print its name', async (t) => {
    const { host, pulp } = await scene(t);
    assert.deepEqual(await pulp(['stop', 'echo', 'chat']), { code: 0, out: 'echo\nchat\n', errors: '' });
    await pulp(['start', 'echo']);
    await pulp(['restart', 'chat']);
    await pulp(['reload']);
    await pulp(['reload', 'chat']);
    assert.deepEqual(host.asked, [
      'stop echo',
      'stop chat',
      'start echo',
      'restart chat',
      'reload echo',
      'reload chat',
      'reload chat',
    ]);
    assert.deepEqual(names((await pulp(['stop', '--json', 'echo'])).out), ['echo']);
  });

  test('reload says that a plugin which is stopped stays so', async (t) => {
    const { host, pulp } = await scene(t);
    host.plugins = [pluginStatus('echo', { state: 'stopped' }), pluginStatus('chat')];
    assert.deepEqual(await pulp(['reload', 'echo', 'chat']), {
      code: 0,
      out: 'echo\nchat\n',
      errors: 'pulp: echo is stopped: what was read counts when it is started\n',
    });
  });

  test('go on with the next when one fails, and end with 1', async (t) => {
    const { host, pulp } = await scene(t);
    host.acts = (asked) =>
      asked === 'start echo' ? Promise.reject(new Error('echo: did not start:\nno')) : Promise.resolve();
    assert.deepEqual(await pulp(['start', 'echo', 'ecoh', 'chat']), {
      code: 1,
      out: 'chat\n',
      errors:
        'pulp: echo: did not start:\\nno\n' +
        'pulp: no plugin is called "ecoh"; did you mean echo? This host has: chat, echo\n',
    });
  });
});

suite('pulp inspect', () => {
  test('gives a list of all that is known', async (t) => {
    const { host, pulp } = await scene(t);
    host.plugins = [pluginStatus('echo', { reason: 'a\u202eb\u009b' })];
    const { code, out } = await pulp(['inspect', 'echo'], { isTerminal: true });
    assert.equal(code, 0);
    assert.deepEqual(JSON.parse(out), [{ ...host.plugins[0], routes: ['GET /echo'] }]);
    assert.doesNotMatch(out, /[\u202e\u009b]/);
    const missing = await pulp(['inspect', 'echo', 'none']);
    assert.equal(missing.code, 1);
    assert.equal((JSON.parse(missing.out) as unknown[]).length, 1);
  });

  test('as tables, where those are asked for', async (t) => {
    const { host, pulp } = await scene(t);
    host.plugins = [pluginStatus('echo', { crashes: 3, reason: 'a\nb\u009b' })];
    const { code, out } = await pulp(['inspect', 'echo', '-json=false']);
    assert.equal(code, 0);
    const lines = out.trimEnd().split('\n');
    assert.match(lines[0] ?? '', /^NAME +VALUE$/);
    for (const line of [/^name +echo$/, /^crashes +3$/, /^reason +a\\nb\\u009b$/, /^capabilities +\[/]) {
      assert.ok(
        lines.some((one) => line.test(one)),
        `${line} in\n${out}`,
      );
    }
    assert.equal((await pulp(['inspect', 'echo', '--json'])).out.at(0), '[');
  });
});

suite('without a host', () => {
  test('every command says in one line that there is none', async (t) => {
    const root = await temporaryFolder(t);
    for (const argv of [['ps'], ['stats'], ['logs'], ['inspect', 'a'], ['stop', 'a'], ['reload']]) {
      const { code, out, errors } = await command(argv, root);
      assert.equal(code, 1, argv.join(' '));
      assert.match(errors, /^pulp: no host listens at .*; start one with `pulp run FOLDER .*\n$/);
      assert.equal(out, argv[0] === 'inspect' ? '[]\n' : '');
    }
  });
});
