import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { suite, test } from 'node:test';
import { capability as cron } from '../../extensions/cron/src/index.ts';
import { capability as demo } from '../../extensions/demo/src/index.ts';
import { capability as redis } from '../../extensions/redis/src/index.ts';
import { knownExtensionImports, knownExtensions } from '../../runtime/src/manifest/known-extensions.ts';
import { buildExample, exampleManifest } from '../support/example-plugins.ts';
import { pluginFolder } from '../support/plugin-folder.ts';
import { PulpProcess } from '../support/pulp-process.ts';
import type { Scope } from '../support/scope.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { watGuest } from '../support/wat-guest.ts';

const root = join(import.meta.dirname, '..', '..');
const demoModule = join(root, 'extensions', 'demo', 'src', 'index.ts');
const program = [process.execPath, join(root, 'deployments', 'pulp-demo', 'bin', 'pulp-demo.js')] as const;

/** A manifest like that of an example plugin, with another name to greet. */
async function greeting(t: Scope, example: string, name: string): Promise<string> {
  const file = join(await temporaryFolder(t), 'pulp.plugin.toml');
  const wasm = join(dirname(exampleManifest(example)), 'build', `${example}.wasm`);
  await writeFile(
    file,
    `name = "greeter"\nversion = "1"\nwasm = ${JSON.stringify(wasm)}\ncapabilities = ["demo.greet"]\n[config]\nname = ${JSON.stringify(name)}\n`,
  );
  return file;
}

suite('the plugins that use the demo extension', () => {
  for (const example of ['demo-client', 'demo-client-go']) {
    test(`${example} has the name in its config greeted, and fails with the code of a refusal`, async (t) => {
      const missing = await buildExample(example);
      if (missing !== false) return t.skip(missing);
      const args = ['-ext', demoModule];
      const pulp = await PulpProcess.start(t, {
        manifest: await greeting(t, example, 'Zoë'),
        args,
        listens: false,
      });
      await pulp.line('Hello, Zoë!', { plugin: 'greeter' });
      assert.equal((await pulp.stop()).code, 0);
      const refused = await PulpProcess.run(t, {
        manifest: await greeting(t, example, 'x'.repeat(1025)),
        args,
      });
      assert.equal(refused.code, 1);
      // In Go only what it printed says why.
      const printed = refused.lines.map(({ msg }) => msg).join('\n');
      assert.match(`${refused.stderr}${printed}`, /demo_greet.*\b4\b/);
    });
  }
});

suite('a program with extensions of its own', { concurrency: 2 }, () => {
  test('takes more with -ext', async (t) => {
    const manifest = await pluginFolder(t, {
      manifest: 'capabilities = ["demo.greet", "cron"]\n[cron.schedules]\nnightly = "@daily"',
    });
    const args = ['-ext', join(root, 'extensions', 'cron', 'src', 'index.ts')];
    const { stderr } = await PulpProcess.run(t, { manifest, program, args });
    // The manifest is accepted: only its module is missing.
    assert.match(stderr, /plugin\.wasm.*not there/);
  });

  test('refuses one that it has already, with both modules', async (t) => {
    const manifest = await pluginFolder(t, {});
    const own = await PulpProcess.run(t, { manifest, program, args: ['-ext', 'pulp-ext-demo'] });
    assert.equal(own.code, 1);
    assert.match(own.stderr, /^pulp: the extension demo\.greet \(file:.*dist\/index\.js\) is given twice$/m);
    const other = await PulpProcess.run(t, { manifest, program, args: ['-ext', demoModule] });
    assert.equal(other.code, 1);
    assert.match(
      other.stderr,
      /two capabilities bring the capability demo\.greet: demo\.greet \(file:.*dist\/index\.js\), and demo\.greet \(file:.*src\/index\.ts\)$/m,
    );
  });
});

suite('a module that a plugin thread cannot load', () => {
  test('is named, also when it never finishes to load there', async (t) => {
    const module = join(await temporaryFolder(t), 'late.mjs');
    await writeFile(
      module,
      `import { isMainThread } from 'node:worker_threads';
       if (!isMainThread) await new Promise((resolve) => setTimeout(resolve, 2 ** 31 - 1));
       export const capability = { module: import.meta.url, name: 'test.late', imports: {}, guest: () => ({ functions: {} }) };`,
    );
    const manifest = await pluginFolder(t, {
      wasm: await watGuest({}),
      manifest: 'capabilities = ["test.late"]',
    });
    const args = ['-ext', module, '-start-timeout', '4s'];
    const { code, stderr } = await PulpProcess.run(t, { manifest, args });
    assert.equal(code, 1);
    assert.match(stderr, /late\.mjs cannot be loaded: it is still loading after 3000 ms/);
  });
});

suite('the extensions that Pulp knows of without having them', () => {
  const packages = { 'pulp-ext-cron': cron, 'pulp-ext-demo': demo, 'pulp-ext-redis': redis };

  test('are those of the repository, with all their functions', () => {
    const all = Object.entries(packages);
    const names = all.map(([name, capability]) => [capability.name, name] as const);
    assert.deepEqual(new Map(names), new Map(knownExtensions));
    const functions = all.flatMap(([name, { imports }]) =>
      Object.keys(imports).map((entry) => [entry, name] as const),
    );
    assert.deepEqual(new Map(functions), new Map(knownExtensionImports));
  });
});
