import assert from 'node:assert/strict';
import { randomInt } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite, test, type TestContext } from 'node:test';
import { buildExample, exampleManifest } from '../support/example-plugins.ts';
import { PulpProcess } from '../support/pulp-process.ts';

/** Hosts killed in all, over so many storage roots at a time. */
const kills = 80;
const lanes = 4;
/** Bytes of a file: more than one write of a disk, so that a half can be told. */
const fileBytes = 20_000;

/** What was acknowledged: a note by its id, and whether its file was. */
interface Kept {
  readonly id: number;
  readonly title: string;
  file: boolean;
}

function content(id: number): Buffer {
  return Buffer.alloc(fileBytes, `note ${id};`);
}

/** Adds notes with a file each, one after the other, until the host is gone. */
async function write(url: string, kept: Kept[]): Promise<void> {
  for (;;) {
    const title = `note ${kept.length} ${'x'.repeat(100)}`;
    const created = await fetch(`${url}/notes`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify({ title }),
    });
    if (created.status !== 201) return;
    const { id } = (await created.json()) as { id: number };
    const note: Kept = { id, title, file: false };
    kept.push(note);
    const stored = await fetch(`${url}/notes/${id}/files/f`, { method: 'PUT', body: content(id) });
    if (stored.status !== 201) return;
    note.file = true;
  }
}

/** Settles once so many notes were acknowledged. */
async function acknowledged(kept: readonly Kept[], count: number): Promise<void> {
  while (kept.length < count) await new Promise((resolve) => setTimeout(resolve, 1));
}

/** Asserts that everything that was acknowledged is there, and that no file is half. */
async function verify(url: string, kept: readonly Kept[]): Promise<void> {
  for (const { id, title, file } of kept) {
    const note = await fetch(`${url}/notes/${id}`);
    assert.equal(note.status, 200, `note ${id} was acknowledged`);
    assert.equal(((await note.json()) as { title: string }).title, title);
    const stored = await fetch(`${url}/notes/${id}/files/f`);
    const bytes = Buffer.from(await stored.arrayBuffer());
    if (file) assert.equal(stored.status, 200, `the file of note ${id} was acknowledged`);
    if (stored.status === 200) assert.ok(bytes.equals(content(id)), `the file of note ${id} is half`);
  }
}

async function lane(t: TestContext, times: number): Promise<number> {
  const root = await mkdtemp(join(tmpdir(), 'pulp-test-durability-'));
  t.after(() => rm(root, { recursive: true, force: true }));
  const options = { manifest: exampleManifest('notes'), args: ['-storage-root', root, '-log-level', 'info'] };
  const kept: Kept[] = [];
  let checked = 0;
  for (let round = 0; round < times; round++) {
    const pulp = await PulpProcess.start(t, options);
    await verify(pulp.url, kept.slice(checked));
    checked = kept.length;
    const writing = write(pulp.url, kept).catch(() => undefined);
    // One in four is killed at its first writes, the others behind at least one that was acknowledged.
    const least = randomInt(4) === 0 ? checked : checked + 1;
    await Promise.race([acknowledged(kept, least), writing]);
    await new Promise((resolve) => setTimeout(resolve, randomInt(60)));
    pulp.signal('SIGKILL');
    await Promise.all([pulp.ended, writing]);
  }
  const last = await PulpProcess.start(t, options);
  await verify(last.url, kept);
  assert.equal((await last.stop()).code, 0, last.dump());
  return kept.length;
}

await buildExample('notes');

suite('what was acknowledged', () => {
  test(`is there after each of ${kills} kills, and nothing is half`, async (t) => {
    const all = await Promise.all(Array.from({ length: lanes }, () => lane(t, kills / lanes)));
    const written = all.reduce((sum, count) => sum + count, 0);
    t.diagnostic(`${written} notes were acknowledged`);
    assert.ok(written > kills / 2, `only ${written} notes were acknowledged`);
  });
});
