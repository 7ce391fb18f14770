import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, realpathSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { suite, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { version } from './version.ts';

const PULP = fileURLToPath(new URL('../../bin/pulp.js', import.meta.url));

interface Result {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

function pulp(node: string, argv: readonly string[], env: Record<string, string> = {}): Result {
  const { status, stdout, stderr } = spawnSync(node, [PULP, ...argv], {
    encoding: 'utf8',
    env: { ...process.env, ...env },
  });
  return { code: status, stdout, stderr };
}

/** A node of the machine that is older than this one; the one that npm installed here does not count. */
function olderNode(): string | undefined {
  const name = process.platform === 'win32' ? 'node.exe' : 'node';
  for (const folder of (process.env['PATH'] ?? '').split(delimiter)) {
    const path = join(folder, name);
    if (folder.includes('node_modules') || !existsSync(path)) continue;
    const { stdout } = spawnSync(path, ['-p', 'process.versions.node'], { encoding: 'utf8' });
    if (Number.parseInt(stdout, 10) < 26) return realpathSync(path);
  }
  return undefined;
}

const older = olderNode();
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
      for (const argv of [[], ['-nonsense'], ['run', 'a', 'b'], ['run', '-http-port', 'x']]) {
        const { code, stdout, stderr } = pulp(path, argv);
        assert.equal(code, 2, argv.join(' '));
        assert.equal(stdout, '');
        assert.match(stderr, /^pulp: .+\n\nUsage: pulp /);
      }
    });

    test('exits with 1 and says where when there is no such manifest', () => {
      const { code, stderr } = pulp(path, ['-manifest', join('no', 'such', 'pulp.plugin.toml')]);
      assert.equal(code, 1);
      assert.ok(stderr.includes(join('no', 'such', 'pulp.plugin.toml')), stderr);
      assert.doesNotMatch(stderr, /\n {4}at /);
    });
  });
}
