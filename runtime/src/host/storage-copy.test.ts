import assert from 'node:assert/strict';
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  unlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
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
    mkdirSync(to);
    await assert.rejects(
      backupStorage({ storageRoot, to }),
      (error: Error) =>
        error.message.startsWith(`the database of notes, ${file}, is damaged, or is no database (`) &&
        /Nothing can be copied until/.test(error.message),
    );
    assert.deepEqual(readdirSync(to), []);
    await assert.rejects(
      restoreStorage({ storageRoot, from: to, force: true }),
      /no copy that `pulp backup` has finished/,
    );
    assert.equal(readFileSync(join(storageRoot, 'notes/deep/er/a.txt'), 'utf8'), 'alpha');
  });

  test('a backup of a database that is locked says whose it is, and leaves nothing behind', async (t) => {
    const { storageRoot, to } = places(t);
    const db = database(storageRoot);
    t.after(() => db.close());
    db.exec('PRAGMA journal_mode = delete; BEGIN EXCLUSIVE');
    const expected = `the database of notes, ${join(storageRoot, 'notes/data.db')}, is locked: `;
    const refused = (error: Error): boolean =>
      error.message.startsWith(expected) && error.message.endsWith('Try again, or stop the plugin first');
    await assert.rejects(backupStorage({ storageRoot, to }), refused);
    assert.ok(!existsSync(to));
  });

  test('a backup ends though the plugin writes all the time, and is of one moment', async (t) => {
    const { storageRoot, to } = places(t);
    const db = database(storageRoot);
    t.after(() => db.close());
    db.exec(
      'WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c LIMIT 3000) INSERT INTO n SELECT hex(zeroblob(2000)) FROM c',
    );
    // Between two looks of the copy at other work there is always a write.
    let writes = 0;
    const progress = (): void => {
      if (++writes < 1000) db.exec('INSERT INTO n VALUES (1)');
    };
    await backupStorage({ storageRoot, to, progress });
    assert.ok(writes < 100, `${writes} writes`);
    assert.ok(rows(to).length >= 3000);
  });

  test('a backup that is kept from going on gives up', async (t) => {
    const { storageRoot, to } = places(t);
    const db = database(storageRoot);
    t.after(() => db.close());
    db.exec(
      'PRAGMA journal_mode = delete; WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c LIMIT 3000) ' +
        'INSERT INTO n SELECT hex(zeroblob(2000)) FROM c',
    );
    await assert.rejects(
      backupStorage({ storageRoot, to, progress: () => db.exec('INSERT INTO n VALUES (1)') }),
      /the database of notes, .* is locked: .*written to all the time/,
    );
  });

  test('a copy is neither made in its own storage root nor put back from there, also through a link', async (t) => {
    const { base, storageRoot } = places(t);
    symlinkSync(storageRoot, join(base, 'link'));
    for (const folder of [
      storageRoot,
      join(storageRoot, 'copy'),
      join(storageRoot, 'notes', 'deep', 'none', 'copy'),
      join(base, 'link', 'copy'),
      base,
    ]) {
      const refused = (error: Error): boolean =>
        error.message.startsWith(`${folder}: `) &&
        error.message.includes(` the storage root ${storageRoot},`);
      await assert.rejects(backupStorage({ storageRoot, to: folder }), refused, folder);
      await assert.rejects(restoreStorage({ storageRoot, from: folder, force: true }), refused, folder);
    }
    assert.deepEqual(readdirSync(storageRoot).toSorted(), ['.pulp', 'files', 'notes']);
    await backupStorage({ storageRoot, to: `${storageRoot}-copy` });
  });

  test('restoring a damaged copy names it, and leaves what is there', async (t) => {
    const { storageRoot, to } = places(t);
    const db = database(storageRoot);
    db.exec('INSERT INTO n VALUES (1)');
    t.after(() => db.close());
    await backupStorage({ storageRoot, to });
    const file = join(to, 'notes', 'data.db');
    for (const bytes of [Buffer.from('no database'.repeat(1000)), readFileSync(file).fill(0xee, 4096)]) {
      writeFileSync(file, bytes);
      await assert.rejects(
        restoreStorage({ storageRoot, from: to, force: true }),
        (error: Error) =>
          error.message.startsWith(`the database of notes, ${file}, is damaged, or is no database (`) &&
          error.message.endsWith('Restore another copy; the storage root is as it was'),
      );
      assert.deepEqual(rows(storageRoot), [1]);
      assert.ok(!existsSync(join(storageRoot, '.pulp', 'restore')));
    }
    for (const note of ['{', 'null', '7']) {
      writeFileSync(join(to, '.pulp', 'backup.json'), note);
      await assert.rejects(
        restoreStorage({ storageRoot, from: to, force: true }),
        /is not what its backup.json says/,
      );
    }
  });

  test('a restore that was killed while it moved plugins is finished by the next, or by a host', async (t) => {
    const { storageRoot, to } = places(t);
    await backupStorage({ storageRoot, to });
    const staging = join(storageRoot, '.pulp', 'restore');
    for (const folder of ['restored', 'replaced']) mkdirSync(join(staging, folder), { recursive: true });
    cpSync(join(to, 'notes'), join(staging, 'restored', 'notes'), { recursive: true });
    writeFileSync(join(staging, 'restored', 'notes', 'new'), 'restored');
    writeFileSync(join(staging, 'ready'), '');
    renameSync(join(storageRoot, 'notes'), join(staging, 'replaced', 'notes'));
    await assert.rejects(
      restoreStorage({ storageRoot, from: to, force: false }),
      /something of files, notes/,
    );
    assert.equal(readFileSync(join(storageRoot, 'notes/deep/er/a.txt'), 'utf8'), 'alpha');
    assert.equal(readFileSync(join(storageRoot, 'notes/new'), 'utf8'), 'restored');
    assert.deepEqual(readdirSync(join(storageRoot, '.pulp')).toSorted(), ['lock', 'pid']);
  });

  test('one that was killed before that has changed nothing', async (t) => {
    const { storageRoot, to } = places(t);
    await backupStorage({ storageRoot, to });
    const restored = join(storageRoot, '.pulp', 'restore', 'restored');
    mkdirSync(join(restored, 'notes'), { recursive: true });
    await assert.rejects(
      restoreStorage({ storageRoot, from: to, force: false }),
      /something of files, notes/,
    );
    assert.equal(readFileSync(join(storageRoot, 'notes/deep/er/a.txt'), 'utf8'), 'alpha');
  });

  test('modes and times of files and folders come back', async (t) => {
    const { storageRoot, to } = places(t);
    const file = join(storageRoot, 'notes/deep/er/a.txt');
    const [of, until] = [new Date('2020-02-02T02:02:02Z'), new Date('2021-01-01T01:01:01Z')];
    chmodSync(file, 0o400);
    utimesSync(file, of, until);
    chmodSync(join(storageRoot, 'notes/deep'), 0o500);
    await backupStorage({ storageRoot, to });
    chmodSync(join(storageRoot, 'notes/deep'), 0o700);
    rmSync(join(storageRoot, 'notes'), { recursive: true });
    rmSync(join(storageRoot, 'files'), { recursive: true });
    await restoreStorage({ storageRoot, from: to, force: false });
    assert.deepEqual([statSync(file).mode & 0o777, statSync(file).mtime], [0o400, until]);
    assert.equal(statSync(join(storageRoot, 'notes/deep')).mode & 0o777, 0o500);
    chmodSync(join(storageRoot, 'notes/deep'), 0o700);
    chmodSync(join(to, 'notes/deep'), 0o700);
  });

  test('a link in the place of a folder or of a database is no copy without it, but an error', async (t) => {
    const { storageRoot, to } = places(t);
    const elsewhere = join(storageRoot, '..', `${basename(storageRoot)}-elsewhere`);
    t.after(() => rmSync(elsewhere, { recursive: true, force: true }));
    renameSync(join(storageRoot, 'files'), elsewhere);
    symlinkSync(elsewhere, join(storageRoot, 'files'));
    await assert.rejects(backupStorage({ storageRoot, to }), /files: this is a link, which is not followed/);
    unlinkSync(join(storageRoot, 'files'));
    writeFileSync(join(elsewhere, 'data.db'), '');
    symlinkSync(join(elsewhere, 'data.db'), join(storageRoot, 'notes', 'data.db'));
    await assert.rejects(backupStorage({ storageRoot, to }), /data\.db: the database of notes is no file/);
    assert.equal(existsSync(to), false);
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
