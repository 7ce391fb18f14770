import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { closeSync, cpSync, existsSync, mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { folderOfOlderNode } from '../../../test/pack/older-node.ts';
import { version } from './version.ts';

const PULP = fileURLToPath(new URL('../../bin/pulp.js', import.meta.url));

interface Result {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

function pulp(node: string, argv: readonly string[], script = PULP): Result {
  const { status, stdout, stderr } = spawnSync(node, [script, ...argv], { encoding: 'utf8' });
  return { code: status, stdout, stderr };
}

const olderFolder = folderOfOlderNode();
const older = olderFolder === undefined ? undefined : join(olderFolder, 'node');
const nodes = [
  { name: 'this node', path: process.execPath, skip: false },
  { name: 'an older node', path: older ?? '', skip: older === undefined && 'no Node below 26 on the PATH' },
] as const;

for (const { name, path, skip } of nodes) {
  suite(`the command on ${name}`, { skip }, () => {
    test('tells its version and that of the Node it runs on', () => {
      assert.deepEqual(pulp(path, ['--version']), {
        code: 0,
        stdout: `pulp ${version()} (node ${process.version})\n`,
        stderr: '',
      });
    });

    test('prints help on stdout', () => {
      const { code, stdout, stderr } = pulp(path, ['help']);
      assert.equal(code, 0);
      assert.match(stdout, /^ {2}-manifest PATH$/m);
      assert.equal(stderr, '');
    });

    test('prints usage on stderr and exits with 2 when it cannot understand', () => {
      for (const argv of [[], ['-nonsense'], ['ps', 'a'], ['stop'], ['run', '-http-port', 'x']]) {
        const { code, stdout, stderr } = pulp(path, argv);
        assert.equal(code, 2, argv.join(' '));
        assert.equal(stdout, '');
        assert.match(stderr, /^pulp: .+\n\nUsage: pulp /);
      }
    });

    test('says in one line when what it prints finds no room', { skip: !existsSync('/dev/full') }, () => {
      const full = openSync('/dev/full', 'w');
      const { status, stderr } = spawnSync(path, [PULP, 'help'], { stdio: ['ignore', full, 'pipe'] });
      closeSync(full);
      assert.equal(status, 1);
      assert.match(String(stderr), /^pulp: standard output cannot be written to: ENOSPC.*\n$/);
    });

    test('exits with 1 and says where when there is no such manifest', () => {
      const { code, stderr } = pulp(path, ['-manifest', join('no', 'such', 'pulp.plugin.toml')]);
      assert.equal(code, 1);
      assert.ok(stderr.includes(join('no', 'such', 'pulp.plugin.toml')), stderr);
      assert.doesNotMatch(stderr, /\n {4}at /);
    });
  });
}

suite(
  'the command on an older node without the package that brings one',
  {
    skip: older === undefined && 'no Node below 26 on the PATH',
  },
  () => {
    test('says which Node it needs and which it has, in one line', (t) => {
      const folder = mkdtempSync(join(tmpdir(), 'pulp-bin-'));
      t.after(() => {
        rmSync(folder, { recursive: true });
      });
      cpSync(PULP, join(folder, 'pulp.js'));
      writeFileSync(join(folder, 'package.json'), '{ "type": "module" }');
      const { code, stdout, stderr } = pulp(older ?? '', ['--version'], join(folder, 'pulp.js'));
      assert.equal(code, 1);
      assert.equal(stdout, '');
      assert.match(stderr, /^pulp needs Node 26 or newer; this is v\d+\.\d+\.\d+, .+\n$/);
    });
  },
);
