import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite, test, type TestContext } from 'node:test';
import { ownFolder, StorageRoot } from './storage-root.ts';

function folder(t: TestContext): string {
  const path = mkdtempSync(join(tmpdir(), 'pulp-storage-root-'));
  t.after(() => rmSync(path, { recursive: true }));
  return path;
}

const module = new URL('storage-root.ts', import.meta.url).href;

/** A process that holds the folder until it is killed. */
async function holder(t: TestContext, path: string): Promise<{ pid: number; kill: () => Promise<void> }> {
  const text = `import { StorageRoot } from ${JSON.stringify(module)};
    globalThis.held = await StorageRoot.hold(${JSON.stringify(path)});
    process.stdout.write('held');
    setInterval(() => {}, 1000);`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', text], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const kill = async (): Promise<void> => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    child.kill('SIGKILL');
    await once(child, 'exit');
  };
  t.after(kill);
  await once(child.stdout, 'data');
  assert.ok(child.pid !== undefined);
  return { pid: child.pid, kill };
}

suite('StorageRoot', () => {
  test('is made for its owner alone', async (t) => {
    const path = join(folder(t), 'a', 'b');
    using root = await StorageRoot.hold(path);
    assert.ok(root);
    assert.equal(statSync(path).mode & 0o777, 0o700);
    assert.equal(statSync(join(path, ownFolder)).mode & 0o777, 0o700);
  });

  test('is held by one host of a process at a time', async (t) => {
    const path = folder(t);
    {
      using first = await StorageRoot.hold(path);
      assert.ok(first);
      await assert.rejects(StorageRoot.hold(path), { message: new RegExp(`process ${process.pid};`) });
    }
    using second = await StorageRoot.hold(path);
    assert.ok(second);
  });

  test('is held by one process at a time, and free again once that is killed', async (t) => {
    const path = folder(t);
    const { pid, kill } = await holder(t, path);
    await assert.rejects(StorageRoot.hold(path), { message: new RegExp(`process ${pid};`) });
    await kill();
    using root = await StorageRoot.hold(path);
    assert.ok(root);
  });

  test('that cannot be made is an error that names it', async (t) => {
    const path = folder(t);
    writeFileSync(join(path, 'file'), '');
    await assert.rejects(StorageRoot.hold(join(path, 'file')), /file: the storage root cannot be used: /);
  });

  test('without a note of who holds it, it says so', async (t) => {
    const path = folder(t);
    mkdirSync(join(path, ownFolder));
    using first = await StorageRoot.hold(path);
    assert.ok(first);
    rmSync(join(path, ownFolder, 'pid'));
    await assert.rejects(StorageRoot.hold(path), /process unknown;/);
  });
});
