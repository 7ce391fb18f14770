import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { after, before, suite, test } from 'node:test';
import { importCapability } from '../../runtime/src/capabilities/import-extension.ts';
import { Registry } from '../../runtime/src/capabilities/registry.ts';
import { parseManifest } from '../../runtime/src/manifest/parse-manifest.ts';
import { Host } from '../../runtime/src/host/host.ts';
import { pluginFolder } from '../support/plugin-folder.ts';
import { watGuest } from '../support/wat-guest.ts';
import { buildExample } from '../support/example-plugins.ts';
import { type Block, documents, root } from './markdown.ts';

interface Snippet extends Block {
  readonly file: string;
  /** Where it stands, as `README.md:12`. */
  readonly where: string;
}

interface Ran {
  readonly code: number;
  readonly stdout: string;
  readonly all: string;
}

const snippets = (await documents()).flatMap(({ file, blocks }) =>
  blocks.map((block): Snippet => ({ ...block, file, where: `${file}:${block.line}` })),
);
const typescript = snippets.filter(({ language }) => language === 'ts');
const forGuests = typescript.filter(({ text }) => text.includes("'pulp-sdk-assemblyscript'"));
const forNode = typescript.filter((snippet) => !forGuests.includes(snippet));

const asc = fileURLToPath(import.meta.resolve('assemblyscript/bin/asc.js'));
const tsc = fileURLToPath(new URL('bin/tsc', import.meta.resolve('typescript/package.json')));

let folder = '';

/** A folder in which a snippet finds what its reader would have installed. */
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'pulp-docs-'));
  const modules = join(folder, 'node_modules');
  await mkdir(join(modules, 'pulp-runtime'), { recursive: true });
  await symlink(join(root, 'node_modules', '@types'), join(modules, '@types'), 'junction');
  await symlink(join(root, 'node_modules', 'assemblyscript'), join(modules, 'assemblyscript'), 'junction');
  await symlink(join(root, 'sdk', 'assemblyscript'), join(modules, 'pulp-sdk-assemblyscript'), 'junction');
  await symlink(join(root, 'node_modules', 'zod'), join(modules, 'zod'), 'junction');
  await symlink(join(root, 'runtime', 'src'), join(modules, 'pulp-runtime', 'src'), 'junction');
  for (const name of ['demo', 'cron', 'redis']) {
    await symlink(join(root, 'extensions', name), join(modules, `pulp-ext-${name}`), 'junction');
  }
  // What the package exports, from source: Node and tsc go by the real path, which is not in node_modules.
  const described = await readFile(join(root, 'runtime', 'package.json'), 'utf8');
  const sources = described.replaceAll(/\.\/dist\/([\w/-]+?)(?:\.d\.ts|\.js)"/g, './src/$1.ts"');
  await writeFile(join(modules, 'pulp-runtime', 'package.json'), sources);
  await writeFile(join(folder, 'package.json'), '{ "type": "module" }');
});

after(() => rm(folder, { recursive: true, force: true }));

suite('snippets for Node', () => {
  before(async () => {
    await Promise.all(forNode.map((snippet) => writeFile(fileOf(snippet), snippet.text)));
    await buildExample('echo');
    await buildExample('demo-client');
  });

  test('there are some', () => {
    assert.ok(forNode.length >= 3);
  });

  test('they type-check by the rules of the repository', async () => {
    const config = {
      extends: join(root, 'tsconfig.json'),
      compilerOptions: { preserveSymlinks: false },
      include: ['*.ts', join(root, 'runtime', 'src', 'guest', 'webassembly.d.ts')],
    };
    await writeFile(join(folder, 'tsconfig.json'), JSON.stringify(config));
    const { code, all } = await run([tsc, '-p', folder], root);
    assert.equal(code, 0, all);
  });

  for (const snippet of forNode) {
    test(`${snippet.where} runs, and prints what it says`, async () => {
      // A whole program would go on for ever.
      const isProgram = snippet.text.includes("'pulp-runtime/run'");
      const { code, stdout, all } = await run([fileOf(snippet), ...(isProgram ? ['--version'] : [])], root);
      assert.equal(code, 0, all);
      if (isProgram) {
        assert.match(stdout, /^pulp /);
        return;
      }
      const said = Array.from(snippet.text.matchAll(/^console\.log\(.*\); \/\/ (.*)$/gm), ([, line]) => line);
      assert.deepEqual(
        stdout.split('\n').filter((line) => line !== ''),
        said,
      );
    });
  }

  for (const snippet of forNode.filter(({ text }) => text.includes('export const capability'))) {
    test(`${snippet.where} is a capability that a host takes, and gives plugins its functions`, async (t) => {
      const { href } = new URL(`file://${fileOf(snippet)}`);
      const capability = await importCapability(href);
      const imports = Object.entries(capability.imports).map(([name, { params }]) => {
        const types = params.flatMap((param) => (param.startsWith('u') ? ['i32'] : ['i32', 'i32']));
        return `(import "pulp" "${name}" (func (param ${types.join(' ')}) (result i32)))`;
      });
      const manifest = await pluginFolder(t, {
        wasm: await watGuest({ imports: imports.join('\n') }),
        manifest: `capabilities = ["${capability.name}"]`,
      });
      await using host = await Host.start({ manifest, extensions: [capability] });
      assert.equal(host.status().plugins[0]?.state, 'ready');
    });
  }
});

suite('snippets for AssemblyScript', () => {
  // That of README.md is compiled as a whole plugin, below.
  for (const snippet of forGuests.filter(({ file }) => file !== 'README.md')) {
    test(`${snippet.where} compiles`, async () => {
      const place = await pluginOf(snippet.text, nameOf(snippet));
      // What the optimizer would do says nothing about the snippet, and takes three times as long as all else.
      const { code, all } = await run([asc, '--noEmit', '--optimizeLevel', '0', '--shrinkLevel', '0'], place);
      assert.equal(code, 0, all);
    });
  }

  test('the plugin of README.md, made as it says, answers as it says', async () => {
    const own = snippets.filter(
      ({ file, heading }) => file === 'README.md' && heading.startsWith('A plugin of your own'),
    );
    const text = (language: string): string => own.find((block) => block.language === language)?.text ?? '';
    const place = await pluginOf(text('ts'), 'hello');
    await writeFile(join(place, 'pulp.plugin.toml'), text('toml'));
    const { code, all } = await run([asc], place);
    assert.equal(code, 0, all);

    const readme = await readFile(join(root, 'README.md'), 'utf8');
    const [, path] =
      /^curl http:\/\/localhost:8080(\S+)$/m.exec(own.map((block) => block.text).join('\n')) ?? [];
    const [, answer] = /^It says `([^`]+)`/m.exec(readme) ?? [];
    assert.ok(path !== undefined && answer !== undefined);
    await using host = await Host.start({ manifest: join(place, 'pulp.plugin.toml'), httpPort: 0 });
    const response = await fetch(`${host.url}${path}`);
    assert.equal(await response.text(), `${answer}\n`);
  });
});

suite('docs/extensions.md', () => {
  test('its manifests are accepted with its extensions', async () => {
    const own = snippets.filter(({ file }) => file === 'docs/extensions.md');
    const modules = own.filter(({ text }) => text.includes('export const capability'));
    const extensions = await Promise.all(
      modules.map((snippet) => importCapability(pathToFileURL(fileOf(snippet)).href)),
    );
    const { declarable: capabilities } = new Registry(extensions);
    const manifests = own.filter(({ language }) => language === 'toml');
    assert.equal(manifests.length, 2);
    for (const { text, where } of manifests) {
      assert.doesNotThrow(() => parseManifest(text, { file: 'pulp.plugin.toml', capabilities }), where);
    }
  });

  test('the extension and the plugin of its tutorial, made as it says, answer as it says', async () => {
    const own = snippets.filter(
      ({ file, heading }) => file === 'docs/extensions.md' && heading === 'One in ten minutes',
    );
    const [extension, plugin] = own.filter(({ language }) => language === 'ts');
    const manifest = own.find(({ language }) => language === 'toml');
    assert.ok(extension !== undefined && plugin !== undefined && manifest !== undefined);
    const place = await pluginOf(plugin.text, 'visits');
    await writeFile(join(place, 'pulp.plugin.toml'), manifest.text);
    await writeFile(join(place, 'visits.ts'), extension.text);
    const { code, all } = await run([asc], place);
    assert.equal(code, 0, all);

    const commands = own.filter(({ language }) => language === 'sh').map(({ text }) => text);
    const [, path] = /^curl http:\/\/localhost:8080(\S+)$/m.exec(commands.join('\n')) ?? [];
    const text = await readFile(join(root, 'docs', 'extensions.md'), 'utf8');
    const [, answer] = /asked twice, it says `([^`]+)`/.exec(text) ?? [];
    const capability = await importCapability(pathToFileURL(join(place, 'visits.ts')).href);
    await using host = await Host.start({
      manifest: join(place, 'pulp.plugin.toml'),
      httpPort: 0,
      extensions: [capability],
    });
    await fetch(`${host.url}${path}`);
    const response = await fetch(`${host.url}${path}`);
    assert.equal(await response.text(), `${answer}\n`);
  });
});

/** A copy of `plugins/echo` with another name and another text, as README.md has its reader make it. */
async function pluginOf(text: string, name: string): Promise<string> {
  const place = join(folder, name);
  await mkdir(join(place, 'assembly'), { recursive: true });
  const config = await readFile(join(root, 'plugins', 'echo', 'asconfig.json'), 'utf8');
  await writeFile(join(place, 'asconfig.json'), config.replaceAll('echo', name));
  await writeFile(join(place, 'assembly', 'index.ts'), text);
  return place;
}

function fileOf(snippet: Snippet): string {
  return join(folder, `${nameOf(snippet)}.ts`);
}

function nameOf({ where }: Snippet): string {
  return where.replaceAll(/\W+/g, '-');
}

function run(args: readonly string[], cwd: string): Promise<Ran> {
  const { promise, resolve } = Promise.withResolvers<Ran>();
  execFile(process.execPath, args, { cwd }, (error, stdout, stderr) => {
    resolve({
      code: error === null ? 0 : Number(error.code ?? 1),
      stdout,
      all: `${stdout}${stderr}${error?.message ?? ''}`,
    });
  });
  return promise;
}
