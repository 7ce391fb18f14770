/** No room for what a plugin wants to keep. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { copyFile, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { exampleManifest } from '../../support/example-plugins.ts';
import type { Scope } from '../../support/scope.ts';
import type { Asked } from '../support/client.ts';
import type { Prepared, Run, Scenario } from '../support/scenario.ts';

const run = promisify(execFile);

/** The plugin `notes` with options of a test's own. Gives its manifest. */
export async function notesPlugin(t: Scope, options: string): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'pulp-fault-notes-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  const from = join(dirname(exampleManifest('notes')), 'build', 'notes.wasm');
  await copyFile(from, join(folder, 'plugin.wasm'));
  const manifest = join(folder, 'pulp.plugin.toml');
  await writeFile(
    manifest,
    `name = "notes"
version = "1.0.0"
capabilities = ["transport.http.inbound", "storage.sqlite", "storage.fs"]
tick_interval_ms = 0
${options}
`,
  );
  return manifest;
}

/** A request for a note that takes some room. */
export const writeNote: Asked = {
  method: 'POST',
  body: JSON.stringify({ title: 'full', text: 'x'.repeat(4000) }),
  headers: { 'Content-Type': 'application/json' },
};

/** Writes until there is no room, goes on for a while, and writes again once `makeRoom` has made some. */
async function fill(
  { client, host, faultMs }: Run,
  makeRoom: (ids: readonly number[]) => Promise<void>,
): ReturnType<Prepared['inject']> {
  const until = performance.now() + faultMs;
  const ids: number[] = [];
  let refused = 0;
  for (let left = 20_000; left > 0 && (refused === 0 || performance.now() < until); left--) {
    const { status, body } = await client.ask('/notes', writeNote);
    if (status === 201) ids.push((JSON.parse(body) as { id: number }).id);
    else {
      assert.ok(status >= 500 && status !== 502, `a plugin that has no room says so, not ${status} ${body}`);
      refused += 1;
    }
  }
  assert.ok(refused > 0, 'there is no end of room');
  const file = await client.ask(`/notes/${ids[0]}/files/f`, { method: 'PUT', body: 'y'.repeat(4 * 2 ** 20) });
  assert.ok(file.status >= 400, `a file of 4 MiB was taken: ${file.status}`);
  for (const id of ids) {
    const { status } = await client.ask(`/notes/${id}`);
    assert.equal(status, 200, `note ${id} was acknowledged`);
  }
  const begun = performance.now();
  await makeRoom(ids);
  const { status, body } = await client.ask('/notes', writeNote);
  assert.equal(status, 201, body);
  assert.equal((await host.plugin('notes')).crashes, 0);
  return [{ what: 'keeps notes again once there is room', ms: performance.now() - begun }];
}

export const quotaFull: Scenario = {
  name: 'storage quota used up',
  async prepare(t) {
    const options = '[storage.sqlite]\nmax_bytes = 262144\n[storage.fs]\nmax_bytes = 65536';
    return {
      manifests: [await notesPlugin(t, options)],
      inject: (given) =>
        fill(given, async (ids) => {
          for (const id of ids.slice(0, 20)) {
            const { status } = await given.client.ask(`/notes/${id}`, { method: 'DELETE' });
            assert.ok(status < 300, `a note cannot be removed: ${status}`);
          }
        }),
    };
  },
};

async function mountable(): Promise<string | false> {
  const folder = await mkdtemp(join(tmpdir(), 'pulp-fault-mount-'));
  try {
    await run('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', folder]);
    await run('umount', [folder]);
    return false;
  } catch {
    return 'a small disk can only be mounted as root';
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

export const diskFull: Scenario = {
  name: 'disk full',
  skip: mountable,
  async prepare(t) {
    const disk = await mkdtemp(join(tmpdir(), 'pulp-fault-disk-'));
    await run('mount', ['-t', 'tmpfs', '-o', 'size=2m', 'tmpfs', disk]);
    t.after(async () => {
      // The host may still be in there for a moment.
      await run('umount', ['--lazy', disk]);
      await rm(disk, { recursive: true, force: true });
    });
    const ballast = join(disk, 'ballast');
    await writeFile(ballast, Buffer.alloc(2 ** 20));
    return {
      manifests: [await notesPlugin(t, '')],
      options: { storageRoot: join(disk, 'data') },
      // On a full disk there is no room to note that something is removed: the operator makes some.
      inject: (given) => fill(given, () => rm(ballast)),
    };
  },
};
