import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { suite, test } from 'node:test';
import { capability as demo } from '../../extensions/demo/src/index.ts';
import { defineCapability } from '../../runtime/src/ext.ts';
import { Host } from '../../runtime/src/index.ts';
import { buildExample, exampleManifest } from '../support/example-plugins.ts';
import { HostUnderTest } from '../support/host-under-test.ts';
import { pluginFolder } from '../support/plugin-folder.ts';
import { capability as probe, outcomes, ports, push, told } from '../support/probe-extension.ts';
import { environment, PulpProcess } from '../support/pulp-process.ts';
import type { Scope } from '../support/scope.ts';
import { until } from '../support/until.ts';
import { busy, trap, watGuest, type Action, type WatGuest } from '../support/wat-guest.ts';

const root = join(import.meta.dirname, '..', '..');
const demoModule = join(root, 'extensions', 'demo', 'src', 'index.ts');

/** A guest whose init gives what an import gives for this text. */
function calling(name: string, text: string): WatGuest {
  return {
    imports: `(import "pulp" "${name}" (func $called (param i32 i32) (result i32)))`,
    init: (data) => `(return (call $called ${data.add(Buffer.from(text))}))`,
  };
}

/** A folder with modules of extensions, and `pulp-runtime` installed beside them. */
async function extensions(t: Scope, modules: Readonly<Record<string, string>>): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'pulp-test-ext-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  await mkdir(join(folder, 'node_modules'));
  await symlink(join(root, 'runtime'), join(folder, 'node_modules', 'pulp-runtime'), 'junction');
  for (const [name, text] of Object.entries(modules)) await writeFile(join(folder, name), text);
  return folder;
}

/** The text of a module that exports a capability with that in it. */
function exporting(name: string, more: string): string {
  return `import { defineCapability } from 'pulp-runtime/ext';
    export const capability = defineCapability({ module: import.meta.url, name: '${name}', imports: {}, ${more} });`;
}

/** A plugin that declares these. */
async function declaring(t: Scope, names: readonly string[], guest: WatGuest = {}): Promise<string> {
  const manifest = `capabilities = ${JSON.stringify(names)}\ntick_interval_ms = 0`;
  return pluginFolder(t, { wasm: await watGuest(guest), manifest });
}

suite('the demo extension', () => {
  const programs: readonly (readonly [what: string, args: readonly string[], path?: string])[] = [
    ['by the path of its module', ['-ext', demoModule]],
    ['by the name of its package', ['-ext', 'pulp-ext-demo']],
    ['in a program of its own', [], join(root, 'deployments', 'pulp-demo', 'bin', 'pulp-demo.js')],
  ];
  for (const [what, args, path] of programs) {
    test(`greets whom a plugin names: ${what}`, async (t) => {
      await buildExample('demo-client');
      const pulp = await PulpProcess.start(t, {
        manifest: exampleManifest('demo-client'),
        args,
        ...(path === undefined ? {} : { program: [process.execPath, path] }),
        listens: false,
      });
      await pulp.line('Hello, World!', { plugin: 'demo-client' });
      assert.equal((await pulp.stop()).code, 0);
    });
  }

  test('greets a plugin in Go', async (t) => {
    const missing = await buildExample('demo-client-go');
    if (missing !== false) return t.skip(missing);
    const pulp = await PulpProcess.start(t, {
      manifest: exampleManifest('demo-client-go'),
      args: ['-ext', demoModule],
      listens: false,
    });
    await pulp.line('Hello, World!', { plugin: 'demo-client-go' });
    assert.equal((await pulp.stop()).code, 0);
  });

  test('greets nobody whose name is too long, or no text', async (t) => {
    for (const [name, code] of [
      ['x'.repeat(1024), 0],
      ['x'.repeat(1025), 4],
      ['', 1],
    ] as const) {
      const manifest = await declaring(t, ['demo.greet'], calling('demo_greet', name));
      const starting = Host.start({ manifest, extensions: [demo] });
      if (code === 0) await (await starting).stop();
      else await assert.rejects(starting, new RegExp(`pulp_init returned ${code}$`));
    }
  });

  test('is a stub for a plugin that does not declare it', async (t) => {
    const manifest = await declaring(t, [], calling('demo_greet', 'you'));
    await assert.rejects(Host.start({ manifest, extensions: [demo] }), /pulp_init returned 99$/);
  });

  test('is unknown to a host without it: what a plugin imports is named, and what it declares with the package', async (t) => {
    const importing = await declaring(t, [], calling('demo_greet', 'you'));
    await assert.rejects(
      Host.start({ manifest: importing }),
      /unknown import "pulp"\."demo_greet": no capability of this host has it/,
    );
    const pulp = await PulpProcess.run(t, { manifest: await declaring(t, ['demo.greet']) });
    assert.equal(pulp.code, 1);
    assert.match(pulp.stderr, /declares "demo\.greet", which this host does not have; it has: storage\.fs, /);
    assert.match(
      pulp.stderr,
      /; the extension pulp-ext-demo brings it: npm install pulp-ext-demo, then -ext pulp-ext-demo$/m,
    );
  });
});

suite('-ext', { concurrency: 2 }, () => {
  test('may be given several times, and PULP_EXT may have several', async (t) => {
    const folder = await extensions(t, {
      'one.ts': exporting('test.one', 'guest: () => ({ functions: {} })'),
      'two.mjs': exporting('test.two', 'guest: () => ({ functions: {} })'),
    });
    const manifest = await declaring(t, ['test.one', 'test.two']);
    const [one = '', two = ''] = ['one.ts', 'two.mjs'].map((name) => join(folder, name));
    for (const [args, env] of [
      [['-ext', one, '-ext', two], environment()],
      [[], { ...environment(), PULP_EXT: [one, two].join(delimiter) }],
    ] as const) {
      const pulp = await PulpProcess.start(t, { manifest, args, env, listens: false });
      assert.equal((await pulp.stop()).code, 0);
    }
  });

  const wrong: readonly (readonly [
    what: string,
    modules: Readonly<Record<string, string>>,
    names: readonly string[],
    reason: RegExp,
  ])[] = [
    ['a file that is not there', {}, ['./no.ts'], /-ext .*no\.ts: the module is not there$/m],
    ['a folder', { 'a.ts': '' }, ['.'], /-ext .*: it is no file; name the module in it$/m],
    [
      'a package that is not installed',
      {},
      ['pulp-ext-nothing'],
      /-ext pulp-ext-nothing: no package of that name is installed here: npm install pulp-ext-nothing/,
    ],
    [
      'a module without a capability',
      { 'a.ts': 'export const x = 1;' },
      ['./a.ts'],
      /a\.ts does not export a capability; it exports x$/m,
    ],
    [
      'a module that throws',
      { 'a.ts': 'throw new Error("no licence")' },
      ['./a.ts'],
      /a\.ts cannot be loaded: no licence$/m,
    ],
    ['a module that is no code', { 'a.ts': 'export const = 1' }, ['./a.ts'], /a\.ts cannot be loaded: /],
    [
      'two of one name',
      {
        'a.ts': exporting('test.one', 'edge: () => ({})'),
        'b.ts': exporting('test.one', 'edge: () => ({})'),
      },
      ['./a.ts', './b.ts'],
      /two capabilities bring the capability test\.one: test\.one \(file:.*a\.ts\), and test\.one \(file:.*b\.ts\)$/m,
    ],
    [
      'one given twice',
      { 'a.ts': exporting('test.one', 'edge: () => ({})') },
      ['./a.ts', './a.ts'],
      /test\.one \(file:.*a\.ts\) is given twice$/m,
    ],
    [
      'an import that there is already',
      {
        'a.ts': exporting('test.one', 'guest: () => ({})').replace(
          'imports: {}',
          `imports: { fs_read: { params: ['in'] } }`,
        ),
      },
      ['./a.ts'],
      /two capabilities bring the import fs_read: storage\.fs \(file:.*\), and test\.one \(file:.*a\.ts\)$/m,
    ],
    [
      'what is no capability',
      { 'a.ts': 'export const capability = { name: "Greet" };' },
      ['./a.ts'],
      /the extension Greet \(.*\) cannot be used: its `module` is not the URL/,
    ],
  ];
  for (const [what, modules, names, reason] of wrong) {
    test(`refuses ${what}`, async (t) => {
      const folder = await extensions(t, modules);
      const args = names.flatMap((name) => ['-ext', name.startsWith('.') ? join(folder, name) : name]);
      const pulp = await PulpProcess.run(t, { manifest: await declaring(t, []), args });
      assert.equal(pulp.code, 1, pulp.stderr);
      assert.match(pulp.stderr, reason);
    });
  }

  const ends: readonly (readonly [what: string, more: string, reason: RegExp])[] = [
    [
      'a guest end that throws',
      `guest() { throw new Error('no server'); }`,
      /test\.one: its guest end could not be set up: no server$/m,
    ],
    [
      'a guest end that never comes',
      'guest: () => new Promise(() => {})',
      /test\.one: its guest end could not be set up: it was not there after \d+ ms$/m,
    ],
    [
      'an edge end that throws',
      `edge() { throw new Error('no port'); }`,
      /test\.one: its edge end could not be set up: no port$/m,
    ],
    [
      'an edge end that never comes',
      'edge: () => new Promise(() => {})',
      /test\.one: its edge end could not be set up: it was not there after \d+ ms$/m,
    ],
    [
      'an edge end without plugin',
      'edge: () => ({})',
      /test\.one: its edge end could not be set up: it gave no `plugin` function$/m,
    ],
    [
      'a plugin end that is a promise',
      'edge: () => ({ plugin: async () => ({}) })',
      /test\.one: its plugin end could not be set up: `plugin` gave no object/m,
    ],
    [
      'a function that is none of its imports',
      'guest: () => ({ functions: { fs_read() {} } })',
      /test\.one: its guest end has a function fs_read, which is none of its imports$/m,
    ],
  ];
  for (const [what, more, reason] of ends) {
    test(`names the extension with ${what}`, async (t) => {
      const folder = await extensions(t, { 'a.ts': exporting('test.one', more) });
      const args = ['-ext', join(folder, 'a.ts'), '-start-timeout', '4s'];
      const pulp = await PulpProcess.run(t, { manifest: await declaring(t, ['test.one']), args });
      assert.equal(pulp.code, 1, pulp.stderr);
      assert.match(pulp.stderr, reason);
    });
  }

  test('a module that says it is somewhere else is refused', async (t) => {
    const lying = defineCapability({
      module: probe.module,
      name: 'test.lying',
      imports: {},
      edge: () => ({ plugin: () => ({}) }),
    });
    await assert.rejects(
      Host.start({ manifest: await declaring(t, []), extensions: [lying] }),
      /the extension test\.lying says that it is in file:.*probe-extension\.ts, which exports another capability/,
    );
  });
});

/** Instructions that end the init with a code of their own when a call does not give this one. */
function expecting(call: string, code: number): string {
  return `(if (i32.ne ${call} (i32.const ${code})) (then (return (i32.const ${100 + code}))))`;
}

/** Calls every function of the extension once. */
const callingAll: Action = (data) => {
  const text = data.add(Buffer.from('abc'));
  return [
    expecting('(call $wait (i32.const 20))', 0),
    expecting(`(call $ask ${text} (i32.const 0) (i32.const 4))`, 0),
    expecting(`(call $store (i32.load (i32.const 0)) (i32.load (i32.const 4)))`, 0),
    expecting('(call $refuse (i32.const 42))', 42),
  ].join('\n');
};

suite('what an extension may do', () => {
  const options = { extensions: [probe] };
  const manifest = 'capabilities = ["test.probe"]\ntick_interval_ms = 0';
  const start = (t: Scope, name: string, guest: WatGuest): Promise<HostUnderTest> =>
    HostUnderTest.start(t, [{ name, guest, manifest }], options);

  test('its events come until there are too many, and it is told when there is room, and how each ended', async (t) => {
    outcomes.length = 0;
    await start(t, 'flooded', { step: busy(1) });
    let taken = 0;
    while (push('flooded')) taken += 1;
    assert.ok(taken >= 1024, String(taken));
    await ports.get('flooded')?.drained();
    assert.equal(push('flooded'), true);
    await until(() => outcomes.length === taken + 1, 'all are over');
    assert.deepEqual(new Set(outcomes), new Set(['done']));
  });

  test('it is told of an event that broke the plugin, and of those that it never saw', async (t) => {
    outcomes.length = 0;
    await start(t, 'breaking', { step: trap() });
    for (let count = 0; count < 3; count++) assert.equal(push('breaking'), true);
    await until(() => outcomes.length === 3, 'all are over');
    assert.deepEqual(outcomes, ['broken', 'undelivered', 'undelivered']);
  });

  test('its functions wait, ask its edge end, refuse with any code, and store', async (t) => {
    const imports = `
      (import "pulp" "probe_wait" (func $wait (param i32) (result i32)))
      (import "pulp" "probe_ask" (func $ask (param i32 i32 i32 i32) (result i32)))
      (import "pulp" "probe_store" (func $store (param i32 i32) (result i32)))
      (import "pulp" "probe_refuse" (func $refuse (param i32) (result i32)))`;
    const storageRoot = await mkdtemp(join(tmpdir(), 'pulp-test-ext-'));
    t.after(() => rm(storageRoot, { recursive: true, force: true }));
    const file = await pluginFolder(t, { wasm: await watGuest({ imports, init: callingAll }), manifest });
    const host = await Host.start({ manifest: file, storageRoot, ...options });
    await host.stop();
    assert.equal(await readFile(join(storageRoot, 'guest', 'probe'), 'utf8'), 'cba');
  });

  test('it hears of the end, of its instance and of its plugin', async (t) => {
    told.length = 0;
    const { host, lines } = await start(t, 'ending', {});
    assert.deepEqual(told, ['ending: ready']);
    await host.stop();
    const said = lines.map(({ message }) => message).filter((message) => message.startsWith('probe '));
    assert.deepEqual(said, ['probe aborted', 'probe left']);
    assert.equal(told[1], 'ending: draining');
    assert.deepEqual(told.slice(-2), ['ending: aborted', 'edge: aborted']);
  });
});
