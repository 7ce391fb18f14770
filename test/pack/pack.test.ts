import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { cp, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { after, before, suite, test } from 'node:test';
import { promisify } from 'node:util';
import { buildPlugins } from '../../scripts/build-plugins.ts';
import { buildPackages } from '../../scripts/build-packages.ts';
import { folderOfOlderNode } from './older-node.ts';

const root = join(import.meta.dirname, '..', '..');
const exec = promisify(execFile);

/** What npm tells of a tarball that it made: the members that are used. */
interface Packed {
  readonly filename: string;
  readonly files: readonly { readonly path: string }[];
}

async function pack(place: string, folder: string): Promise<Packed> {
  const { stdout } = await exec('npm', ['pack', '--json', '--pack-destination', folder], {
    cwd: join(root, place),
  });
  const [first]: Packed[] = JSON.parse(stdout);
  assert.ok(first, 'npm packed nothing');
  return first;
}

const older = folderOfOlderNode();
const skip = process.env['PULP_PACK'] !== '1' && 'installs from the registry: set PULP_PACK=1 to run it';

suite('the package, installed in an empty folder', { skip }, () => {
  let folder: string;
  let packed: Packed;

  before(async () => {
    await buildPackages();
    await buildPlugins({ only: ['echo'] });
    folder = await mkdtemp(join(tmpdir(), 'pulp-pack-'));
    packed = await pack('runtime', folder);
    const extension = await pack('extensions/demo', folder);
    await writeFile(join(folder, 'package.json'), '{ "private": true }\n');
    const tarballs = [packed, extension].map(({ filename }) => join(folder, filename));
    await exec('npm', ['install', '--no-audit', '--no-fund', ...tarballs], { cwd: folder });
    await cp(join(root, 'plugins', 'echo'), join(folder, 'echo'), { recursive: true });
  });

  after(() => rm(folder, { recursive: true, force: true }));

  test('has the command, the library, licence and readme, and no sources or tests', () => {
    const paths = packed.files.map(({ path }) => path);
    for (const path of [
      'bin/pulp.js',
      'dist/cli/entry.js',
      'dist/index.js',
      'dist/ext.d.ts',
      'LICENSE',
      'README.md',
    ]) {
      assert.ok(paths.includes(path), `${path} is not in the package`);
    }
    const unwanted = paths.filter(
      (path) => (path.endsWith('.ts') && !path.endsWith('.d.ts')) || /\.(?:test|suite)\./.test(path),
    );
    assert.deepEqual(unwanted, []);
  });

  test('exports the library to programs', async () => {
    const program = `import { Host } from 'pulp-runtime';
      import { defineCapability } from 'pulp-runtime/ext';
      console.log(typeof Host.start, typeof defineCapability);`;
    const { stdout } = await exec(process.execPath, ['--input-type=module', '-e', program], { cwd: folder });
    assert.equal(stdout, 'function function\n');
  });

  test('makes one executable with an extension, without anything of the clone', async () => {
    const program = `import { capability } from 'pulp-ext-demo';
      import { main } from 'pulp-runtime/run';
      await main({ extensions: [capability] });`;
    await writeFile(join(folder, 'program.mjs'), program);
    const command = join(folder, 'node_modules', '.bin', 'pulp');
    await exec(command, ['bundle', 'echo', '-entry', 'program.mjs', '-o', 'app'], { cwd: folder });
    const { stdout } = await exec(join(folder, 'app'), ['--version'], { env: { PATH: '' } });
    assert.match(stdout, /^pulp \d/);
  });

  const nodes = [
    { name: 'this Node', path: dirname(process.execPath), skip: false },
    { name: 'an older Node', path: older ?? '', skip: older === undefined && 'no Node below 26 on the PATH' },
  ] as const;
  for (const node of nodes) {
    test(`runs a plugin on ${node.name} until SIGTERM`, { skip: node.skip }, async (t) => {
      const command = join(folder, 'node_modules', '.bin', 'pulp');
      const args = [
        'run',
        'echo',
        '-ext',
        'pulp-ext-demo',
        '-http-port',
        '0',
        '-http-host',
        '127.0.0.1',
        '-log-format',
        'text',
      ];
      const child = spawn(command, args, {
        cwd: folder,
        env: { ...process.env, PATH: [node.path, process.env['PATH']].join(delimiter) },
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      t.after(() => child.kill('SIGKILL'));
      const exit = once(child, 'exit');

      const log: string[] = [];
      let asked: Promise<string> | undefined;
      for await (const line of createInterface(child.stdout)) {
        log.push(line);
        const [, port] = /msg="http server started" addr=\S*:(\d+)/.exec(line) ?? [];
        if (port === undefined) continue;
        asked = fetch(`http://127.0.0.1:${port}/echo/hello`).then((response) => response.text());
        asked.finally(() => child.kill('SIGTERM')).catch(() => {});
      }
      assert.equal(await asked, 'hello', log.join('\n'));
      assert.deepEqual(await exit, [0, null], log.join('\n'));
      assert.match(log.at(-1) ?? '', /msg="pulp exit clean"/);
    });
  }
});
