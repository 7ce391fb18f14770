import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readdir, rename, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, suite, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { WebSocket } from 'ws';
import { exampleManifest } from '../support/example-plugins.ts';
import { pluginFolder } from '../support/plugin-folder.ts';
import { entry, environment, PulpProcess } from '../support/pulp-process.ts';
import { until } from '../support/until.ts';
import { respond, trap, watGuest } from '../support/wat-guest.ts';

interface Ran {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

const runtime = join(import.meta.dirname, '..', '..', 'runtime');

function run(file: string, args: readonly string[], env: NodeJS.ProcessEnv): Promise<Ran> {
  return new Promise((resolve) => {
    execFile(file, args, { env, timeout: 120_000 }, (error, stdout, stderr) => {
      resolve({ code: error === null ? 0 : Number(error.code ?? 1), stdout, stderr });
    });
  });
}

function pulp(...args: readonly string[]): Promise<Ran> {
  return run(process.execPath, [entry, ...args], environment());
}

/** An extension and a program with it, as somebody would write them who has installed `pulp-runtime`. */
const extension = `
  import { Failure, defineCapability, encode } from 'pulp-runtime/ext';
  export const capability = defineCapability({
    module: import.meta.url,
    name: 'test.shout',
    imports: { shout: { params: ['in'] } },
    events: ['test.event'],
    guest: ({ log }) => ({
      functions: {
        shout(words: Uint8Array) {
          if (words.length > 5) throw new Failure(42, 'too long');
          if (words[0] === 0x21) throw new Error('a bug of the extension');
          log.info(Buffer.from(words).toString().toUpperCase(), { bytes: encode({ words: 'x' }).length });
        },
      },
    }),
  });
`;
const program = `
  import { main } from 'pulp-runtime/run';
  import { capability as shout } from './shout.ts';
  await main({ extensions: [shout] });
`;

/** Calls the extension in its init, and answers with the code of a second call. */
async function shouter(): Promise<Uint8Array> {
  return watGuest({
    imports: '(import "pulp" "shout" (func $shout (param i32 i32) (result i32)))',
    init: (data) => `(drop (call $shout ${data.add(Buffer.from('hello'))}))`,
    routes: {
      'GET /ok': respond({ body: 'here' }),
      'GET /bug': (data) =>
        `(drop (call $shout ${data.add(Buffer.from('!'))})) ${respond({ body: 'still here' })(data)}`,
      'GET /trap': trap(),
    },
  });
}

/** A bare environment: nothing of it helps to find a Node. */
const bare: NodeJS.ProcessEnv = { PATH: '' };

suite('a program that pulp bundle made', () => {
  let folder = '';
  let app = '';

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'pulp-test-bundle-'));
    const modules = join(folder, 'node_modules');
    await mkdir(modules);
    await symlink(runtime, join(modules, 'pulp-runtime'), 'junction');
    await writeFile(join(folder, 'shout.ts'), extension);
    await writeFile(join(folder, 'program.ts'), program);
    await writeFile(join(folder, 'plugin.wasm'), await shouter());
    await writeFile(
      join(folder, 'pulp.plugin.toml'),
      'name = "shouter"\nversion = "1.0.0"\ncapabilities = ["transport.http.inbound", "test.shout"]\n',
    );
    app = join(folder, 'app');
    const chat = exampleManifest('chat');
    const made = await pulp(
      'bundle',
      folder,
      '-manifest',
      chat,
      '-entry',
      join(folder, 'program.ts'),
      '-o',
      app,
    );
    assert.equal(made.code, 0, made.stderr);
    assert.match(made.stdout, /^bundle: \d+ MiB, now in .*app\n$/);
    // What it was made of is gone.
    for (const file of ['shout.ts', 'program.ts', 'plugin.wasm', 'pulp.plugin.toml'])
      await rm(join(folder, file));
    await rm(modules, { recursive: true });
  });

  after(() => rm(folder, { recursive: true, force: true }));

  test('is one file, and nothing else is left', async () => {
    assert.deepEqual(await readdir(folder), ['app']);
    assert.equal((await stat(app)).mode & 0o777, 0o755);
  });

  test('runs its plugins without a Node, with its extensions in their threads', async (t) => {
    const host = await PulpProcess.start(t, { manifest: [], program: [app], env: bare });
    await host.line('HELLO', { plugin: 'shouter', bytes: '9' });
    await host.alive();
    assert.equal(await (await fetch(`${host.url}/bug`)).text(), 'still here');
    const { error = '' } = await host.line('a host function failed', { plugin: 'shouter', import: 'shout' });
    assert.match(error, /^Error: a bug of the extension.*at shout \(pulp-thread\.js:/);
    assert.ok(error.length < 5000, `a stack of ${error.length} characters`);
    const page = await fetch(`${host.url}/`);
    assert.match(await page.text(), /<html/);
    const socket = new WebSocket(`${host.url.replace('http', 'ws')}/ws`);
    await once(socket, 'open');
    socket.close();
    await once(socket, 'close');
    assert.equal((await host.stop()).code, 0);
  });

  test('starts a plugin again that broke, and reloads it', async (t) => {
    const host = await PulpProcess.start(t, { manifest: [], program: [app], env: bare, args: ['-watch'] });
    assert.equal((await fetch(`${host.url}/trap`)).status, 502);
    const ready = (): number => host.messages.filter((message) => message === 'HELLO').length;
    await until(() => ready() === 2, 'the plugin starts again');
    // Its init is not over yet.
    while ((await fetch(`${host.url}/ok`)).status === 503) await delay(5);
    host.signal('SIGHUP');
    await host.line('plugin reloaded', { plugin: 'shouter' });
    await host.alive();
    assert.equal(ready(), 3);
    assert.equal((await host.stop()).code, 0);
  });

  test('takes the flags of pulp, and other plugins in the place of its own', async (t) => {
    const { stdout } = await run(app, ['--version'], bare);
    assert.match(stdout, /^pulp \d+\.\d+\.\d+ \(node v\d+/);
    const manifest = await pluginFolder(t, { wasm: await watGuest({ routes: { 'GET /ok': respond({}) } }) });
    const host = await PulpProcess.start(t, { manifest, program: [app], env: bare });
    await host.alive();
    assert.equal(host.messages.includes('HELLO'), false);
    assert.equal((await host.stop()).code, 0);
  });

  test('goes on when it was moved', async (t) => {
    const moved = join(folder, 'moved');
    await rename(app, moved);
    try {
      const host = await PulpProcess.start(t, { manifest: [], program: [moved], env: bare });
      await host.alive();
      assert.equal((await host.stop()).code, 0);
    } finally {
      await rename(moved, app);
    }
  });

  test('does not take the options of a Node', async () => {
    const { code, stdout } = await run(app, ['--version'], { ...bare, NODE_OPTIONS: '--no-such-option' });
    assert.equal(code, 0);
    assert.match(stdout, /^pulp /);
  });

  test('refuses what only pulp itself can do', async () => {
    const more = await run(app, ['-ext', './shout.ts'], bare);
    assert.equal(more.code, 1);
    assert.match(
      more.stderr,
      /^pulp: this program has its extensions built in, and -ext cannot add to them$/m,
    );
    const again = await run(app, ['bundle', '-o', join(folder, 'other')], bare);
    assert.equal(again.code, 1);
    assert.match(again.stderr, /this program is a bundle itself/);
  });
});

suite('pulp bundle refuses', () => {
  const cases: readonly (readonly [string, (place: string) => Promise<readonly string[]>, RegExp])[] = [
    ['no file to write', () => Promise.resolve(['-manifest', '.']), /say what to write, with -o FILE/],
    ['a folder as the program', async (place) => ['-o', place], /-out .*: that is a folder; name the file/],
    [
      'a place that is not there',
      async (place) => ['-o', join(place, 'no', 'app')],
      /the folder .*no is not there/,
    ],
    [
      'an entry that is not there',
      async (place) => ['-entry', join(place, 'no.ts'), '-o', join(place, 'app')],
      /-entry .*no\.ts: the module is not there/,
    ],
    [
      'extensions beside an entry',
      async (place) => ['-entry', 'a.ts', '-ext', 'b.ts', '-o', join(place, 'app')],
      /both -entry and -ext/,
    ],
    [
      'an entry with an error in it',
      async (place) => {
        await writeFile(join(place, 'broken.ts'), 'import "./nowhere.ts";');
        return ['-entry', join(place, 'broken.ts'), '-o', join(place, 'app')];
      },
      /broken\.ts imports \.\/nowhere\.ts, which cannot be found/,
    ],
    [
      'an entry that is an extension itself',
      async (place) => {
        await writeFile(join(place, 'both.ts'), 'export const capability = {};');
        return ['-entry', join(place, 'both.ts'), '-o', join(place, 'app')];
      },
      /both\.ts exports a capability: keep extensions in modules of their own/,
    ],
    [
      'an entry that does something else',
      async (place) => {
        await writeFile(join(place, 'other.ts'), 'console.log("hello");');
        return ['-entry', join(place, 'other.ts'), '-o', join(place, 'app')];
      },
      /its entry has to call main\(\) of pulp-runtime\/run/,
    ],
    [
      'an extension that is none',
      async (place) => {
        await writeFile(join(place, 'none.ts'), 'export const other = 1;');
        return ['-ext', join(place, 'none.ts'), '-o', join(place, 'app')];
      },
      /capability/,
    ],
    [
      'a plugin that is not there',
      async (place) => [join(place, 'no'), '-o', join(place, 'app')],
      /the manifest is not there/,
    ],
    [
      'a plugin that needs an extension which is not inside',
      async (place) => {
        await writeFile(
          join(place, 'pulp.plugin.toml'),
          'name = "a"\nversion = "1.0.0"\ncapabilities = ["demo.greet"]\n',
        );
        return [place, '-o', join(place, 'app')];
      },
      /declares "demo\.greet", which this host does not have/,
    ],
  ];
  for (const [what, argsIn, reason] of cases) {
    test(what, async (t) => {
      const place = await mkdtemp(join(tmpdir(), 'pulp-test-bundle-'));
      t.after(() => rm(place, { recursive: true, force: true }));
      const args = await argsIn(place);
      const found = await readdir(place);
      const { code, stderr } = await pulp('bundle', ...args);
      assert.ok(code === 1 || code === 2, stderr);
      assert.match(stderr, reason);
      assert.deepEqual(await readdir(place), found, 'nothing is left behind');
    });
  }
});
