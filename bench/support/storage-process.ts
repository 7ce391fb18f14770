/** The measuring process of `bench/storage.ts`: a guest and bare Node in turn, on files of the same kind. */
import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { encode } from '../../runtime/src/abi/msgpack/value.ts';
import { type HostCall, startCallGuest } from './call-guest.ts';
import { moduleOptions } from './owned-process.ts';
import { timePerOperation } from './timing.ts';

export interface StorageOptions {
  readonly rounds: number;
  /** Of one run, in milliseconds. */
  readonly runMs: number;
  /** An empty folder. */
  readonly folder: string;
}

/** Nanoseconds an operation, one figure a round. */
export interface StorageTimes {
  readonly name: OperationName;
  readonly pulp: readonly number[];
  readonly bare: readonly number[];
}

export type OperationName = 'insert' | 'read' | 'rows' | 'small' | 'large';

/** How long each runs before it is timed, in milliseconds: the engine compiles what is hot meanwhile. */
const warmUpMs = 300;

const schema =
  'CREATE TABLE things (id INTEGER PRIMARY KEY, name TEXT, weight REAL); CREATE TABLE added (name TEXT, weight REAL)';
const fill =
  'WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000) ' +
  "INSERT INTO things SELECT i, 'thing ' || i, i * 0.5 FROM n";
const insert = 'INSERT INTO added VALUES (?, ?)';
const read = 'SELECT id, name, weight FROM things WHERE id = ?';
const rows = 'SELECT id, name, weight FROM things';

const text = (sql: string): Uint8Array => Buffer.from(sql);
const none = new Uint8Array(0);

const calls: readonly HostCall[] = [
  { name: 'schema', use: 'sqlite_exec', given: [text(`${schema}; ${fill}`), none] },
  { name: 'begin', use: 'sqlite_exec', given: [text('BEGIN'), none] },
  { name: 'rollback', use: 'sqlite_exec', given: [text('ROLLBACK'), none] },
  { name: 'insert', use: 'sqlite_exec', given: [text(insert), encode(['a thing of some length', 1.5])] },
  { name: 'read', use: 'sqlite_query', given: [text(read), encode([500n])] },
  { name: 'rows', use: 'sqlite_query', given: [text(rows), none] },
  { name: 'small', use: 'fs_read', given: [text('small')] },
  { name: 'large', use: 'fs_read', given: [text('large')] },
];

async function measure({ rounds, runMs, folder }: StorageOptions): Promise<StorageTimes[]> {
  const own = join(folder, 'guest');
  await using plugin = await startCallGuest({
    capabilities: ['storage.sqlite', 'storage.fs'],
    manifest: '[storage.fs]\nmax_file_bytes = 1073741824\n',
    folder: own,
    calls,
  });
  // Nothing that it imports waits, so its calls happen at once.
  const call = (name: string): void => void plugin.call(name);
  call('schema');
  const files = join(folder, 'bare');
  mkdirSync(files);
  const db = new DatabaseSync(join(files, 'data.db'));
  db.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL');
  db.exec(schema);
  db.exec(fill);
  for (const [name, size] of [
    ['small', 4096],
    ['large', 1024 * 1024],
  ] as const) {
    for (const place of [own, files]) writeFileSync(join(place, name), Buffer.alloc(size, 0x61));
  }
  const statements = { insert: db.prepare(insert), read: db.prepare(read), rows: db.prepare(rows) };
  const bare: Record<OperationName, () => unknown> = {
    insert: () => statements.insert.run('a thing of some length', 1.5),
    read: () => statements.read.get(500),
    rows: () => statements.rows.all(),
    small: () => readFileSync(join(files, 'small')),
    large: () => readFileSync(join(files, 'large')),
  };
  assert.equal(statements.rows.all().length, 1000);
  const all: StorageTimes[] = [];
  for (const name of ['insert', 'read', 'rows', 'small', 'large'] as const) {
    const times = { name, pulp: [] as number[], bare: [] as number[] };
    const guest = (): void => call(name);
    // Inserts go into one transaction: otherwise the disk is what is measured.
    const timed = (ms: number): [pulp: number, bare: number] => {
      if (name === 'insert') call('begin');
      const pulp = timePerOperation(guest, ms);
      if (name === 'insert') call('rollback');
      if (name === 'insert') db.exec('BEGIN');
      const beside = timePerOperation(bare[name], ms);
      if (name === 'insert') db.exec('ROLLBACK');
      return [pulp, beside];
    };
    timed(warmUpMs);
    for (let round = 0; round < rounds; round++) {
      const [pulp, beside] = timed(runMs);
      times.pulp.push(pulp);
      times.bare.push(beside);
    }
    all.push(times);
  }
  db.close();
  return all;
}

process.stdout.write(JSON.stringify(await measure(moduleOptions() as StorageOptions)));
