import assert from 'node:assert/strict';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { suite, test, type TestContext } from 'node:test';
import { backupStorage, type CopyProgress, restoreStorage } from './storage-copy.ts';
import { StorageRoot } from './storage-root.ts';

interface Places {
  readonly base: string;
  readonly storageRoot: string;
  readonly to: string;
}

/** A storage root with two plugins, one of which has a database. */
function places(t: TestContext): Places {
  const base = mkdtempSync(join(tmpdir(), 'pulp-copy-'));
  t.after(() => rmSync(base, { recursive: true }));
  const storageRoot = join(base, 'data');
  mkdirSync(join(storageRoot, 'notes', 'deep', 'er'), { recursive: true });
  mkdirSync(join(storageRoot, 'files'));
  mkdirSync(join(storageRoot, '.pulp'));
  writeFileSync(join(storageRoot, 'notes', 'deep', 'er', 'a.txt'), 'alpha', { mode: 0o600 });
  writeFileSync(
    Buffer.concat([Buffer.from(join(storageRoot, 'files/')), Buffer.from([0xff, 0x41])]),
    'bytes',
  );
  writeFileSync(join(storageRoot, 'files', 'large'), Buffer.alloc(3_000_000, 7));
  return { base, storageRoot, to: join(base, 'copy') };
}

function database(storageRoot: string): DatabaseSync {
  const db = new DatabaseSync(join(storageRoot, 'notes', 'data.db'));
  db.exec('PRAGMA journal_mode = WAL; CREATE TABLE IF NOT EXISTS n (v)');
  return db;
}

function rows(folder: string): unknown[] {
  const db = new DatabaseSync(join(folder, 'notes', 'data.db'));
  try {
    return db
      .prepare('SELECT v FROM n ORDER BY v')
      .all()
      .map((row) => row['v']);
  } finally {
    db.close();
  }
}

suite('backup and restore of a storage root', () => {
  test('bring back every file and what the database held, uncommitted rows left out', async (t) => {
    const { storageRoot, to } = places(t);
    const db = database(storageRoot);
    t.after(() => db.close());
    db.exec('INSERT INTO n VALUES (1), (2)');
    db.exec('BEGIN; INSERT INTO n VALUES (3)');
    const told: CopyProgress[] = [];
    const result = await backupStorage({ storageRoot, to, progress: (progress) => told.push(progress) });
    assert.deepEqual([result.plugins, result.files, result.skipped], [['files', 'notes'], 4, []]);
    assert.ok(told.length > 3);
    assert.equal(told.at(-1)?.bytes, result.bytes);
    db.exec('COMMIT; INSERT INTO n VALUES (4)');
    rmSync(join(storageRoot, 'notes', 'deep'), { recursive: true });

    const elsewhere = join(to, '..', 'elsewhere');
    const restored = await restoreStorage({ storageRoot: elsewhere, from: to, force: false });
    assert.deepEqual([restored.files, restored.plugins], [4, ['files', 'notes']]);
    assert.deepEqual(rows(elsewhere), [1, 2]);
    assert.equal(readFileSync(join(elsewhere, 'notes/deep/er/a.txt'), 'utf8'), 'alpha');
    assert.equal(statSync(join(elsewhere, 'notes/deep/er/a.txt')).mode & 0o777, 0o600);
    assert.equal(statSync(join(elsewhere, 'notes')).mode & 0o777, 0o700);
    assert.deepEqual(readFileSync(join(elsewhere, 'files/large')), Buffer.alloc(3_000_000, 7));
    const names = readdirSync(join(elsewhere, 'files'), { encoding: 'buffer' });
    assert.ok(names.some((name) => name.equals(Buffer.from([0xff, 0x41]))));
    assert.deepEqual(readdirSync(join(elsewhere, '.pulp')).toSorted(), ['lock', 'pid']);
  });

  test('leave out links, files that are being written, and what SQLite keeps beside the database', async (t) => {
    const { base, storageRoot, to } = places(t);
    const db = database(storageRoot);
    t.after(() => db.close());
    writeFileSync(join(base, 'secret'), 'secret');
    symlinkSync(join(base, 'secret'), join(storageRoot, 'files', 'link'));
    writeFileSync(join(storageRoot, 'files', '.pulp-tmp-0123'), 'half');
    const { skipped } = await backupStorage({ storageRoot, to });
    assert.deepEqual(skipped, [join(storageRoot, 'files', 'link')]);
    assert.deepEqual(readdirSync(join(to, 'notes')).toSorted(), ['data.db', 'deep']);
    assert.equal(readdirSync(join(to, 'files')).length, 2);
  });

  test('a copy goes into an empty folder only', async (t) => {
    const { storageRoot, to } = places(t);
    mkdirSync(to);
    writeFileSync(join(to, 'x'), '');
    await assert.rejects(backupStorage({ storageRoot, to }), /copy: the folder for the copy is not empty$/);
    await assert.rejects(
      backupStorage({ storageRoot: join(to, 'none'), to }),
      /none: the storage root cannot be read/,
    );
  });

  test('a damaged database is told, and the copy is not one that can be put back', async (t) => {
    const { storageRoot, to } = places(t);
    const db = database(storageRoot);
    db.exec(
      'CREATE TABLE big (v); WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 50) ' +
        'INSERT INTO big SELECT randomblob(2000) FROM n',
    );
    db.close();
    const file = join(storageRoot, 'notes', 'data.db');
    const bytes = readFileSync(file);
    writeFileSync(file, bytes.fill(0xee, 5000, bytes.length - 5000));
    await assert.rejects(backupStorage({ storageRoot, to }));
    await assert.rejects(
      restoreStorage({ storageRoot, from: to, force: true }),
      /no copy that `pulp backup` has finished/,
    );
    assert.equal(readFileSync(join(storageRoot, 'notes/deep/er/a.txt'), 'utf8'), 'alpha');
  });

  test('what a plugin has is replaced only by force, and other plugins keep theirs', async (t) => {
    const { storageRoot, to } = places(t);
    await backupStorage({ storageRoot, to });
    writeFileSync(join(storageRoot, 'files', 'large'), 'new');
    mkdirSync(join(storageRoot, 'other'));
    const refused = restoreStorage({ storageRoot, from: to, force: false });
    await assert.rejects(
      refused,
      /there is something of files, notes already; it is replaced only with -force$/,
    );
    assert.equal(readFileSync(join(storageRoot, 'files', 'large'), 'utf8'), 'new');
    await restoreStorage({ storageRoot, from: to, force: true });
    assert.equal(statSync(join(storageRoot, 'files', 'large')).size, 3_000_000);
    assert.ok(existsSync(join(storageRoot, 'other')));
    assert.deepEqual(readdirSync(join(storageRoot, '.pulp')).toSorted(), ['lock', 'pid']);
  });

  test('nothing is put back while a host uses the storage root', async (t) => {
    const { storageRoot, to } = places(t);
    await backupStorage({ storageRoot, to });
    using host = await StorageRoot.hold(storageRoot);
    assert.ok(host);
    await assert.rejects(
      restoreStorage({ storageRoot, from: to, force: true }),
      /another host uses this storage root/,
    );
  });

  test('a copy that lost a plugin is refused', async (t) => {
    const { storageRoot, to } = places(t);
    await backupStorage({ storageRoot, to });
    rmSync(join(to, 'files'), { recursive: true });
    await assert.rejects(
      restoreStorage({ storageRoot, from: to, force: true }),
      /is not what its backup.json says/,
    );
  });
});
