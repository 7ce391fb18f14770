/** What guests pass to host imports: good, nearly good and bad. */
import { array, bin, int, map, str } from '../../support/msgpack-bytes.ts';
import { message, text, value } from './message.ts';
import { mutate } from './mutate.ts';
import type { Random } from './random.ts';

const statements = [
  'CREATE TABLE IF NOT EXISTS t (a INTEGER PRIMARY KEY, b TEXT, c BLOB, d DATETIME)',
  'INSERT INTO t (b, c, d) VALUES (?, ?, ?)',
  'INSERT INTO t (b) VALUES (?2), ($1)',
  'SELECT * FROM t LIMIT 20',
  "SELECT ?, ?, 1.5, NULL, x'00ff', 9007199254740993",
  'UPDATE t SET b = b || ? WHERE a % 7 = 0',
  'DELETE FROM t WHERE a % 3 = 0',
  'BEGIN',
  'COMMIT',
  'ROLLBACK',
  'PRAGMA journal_mode',
  'PRAGMA user_version = 3; PRAGMA user_version',
  'PRAGMA table_info(t)',
  'DROP TABLE IF EXISTS t; SELECT 1',
  'ATTACH ? AS other',
  'VACUUM INTO ?',
  'SELECT load_extension(?)',
  'SELECT count(*), max(length(b)) FROM t -- remark',
  'CREATE VIRTUAL TABLE IF NOT EXISTS f USING fts5(x)',
  "INSERT INTO f VALUES ('one two'); SELECT * FROM f WHERE f MATCH 'one' LIMIT 5",
  ';;',
  '-- nothing',
  'SELECT json_object(?, ?)',
];

const paths = [
  'a',
  'a/b',
  './a',
  'a//b',
  'a/b/c',
  '..',
  '/etc/passwd',
  'data.db',
  'a\\b',
  'tmp/x',
  'a/',
  '..a',
  '\0',
];

/** Bytes for an import of this name, for its parameter with this index. */
export function inputFor(random: Random, name: string, index: number): Buffer {
  if (random.oneIn(6)) return message(random);
  const good = goodInput(random, name, index);
  return random.oneIn(6) ? mutate(random, good) : good;
}

function goodInput(random: Random, name: string, index: number): Buffer {
  if (name.startsWith('sqlite_')) {
    if (index === 0) return Buffer.from(random.pick(statements));
    return array(Array.from({ length: random.below(5) }, () => value(random, 0)));
  }
  const path = (): Buffer => Buffer.from(random.oneIn(8) ? text(random) : random.pick(paths), 'latin1');
  switch (name) {
    case 'fs_write':
    case 'fs_append':
      if (index === 0) return path();
      return index === 1 ? random.bytes(random.length(5000)) : map([['mode', int(random.below(0o1000))]]);
    case 'fs_stat':
      return map([['path', bin(path())]]);
    case 'fs_rename':
      return map([
        ['old', bin(path())],
        ['new', bin(path())],
      ]);
    case 'fs_mkdir_all':
    case 'fs_chmod':
      return map([
        ['path', bin(path())],
        ['mode', int(random.below(0o1000))],
      ]);
    case 'fs_create_temp':
    case 'fs_mkdir_temp':
      return map([
        ['dir', bin(random.oneIn(2) ? '' : path())],
        ['pattern', str(text(random))],
      ]);
    case 'fs_read':
    case 'fs_list':
    case 'fs_delete':
    case 'fs_remove_all':
      return path();
    case 'ws_register':
    case 'sse_register':
      return Buffer.from(text(random), 'latin1');
    case 'sse_emit':
      return map([
        ['path', str(random.pick(['/', '/a', 'x']))],
        ['event', str(text(random))],
        ['data', str(text(random))],
      ]);
    default:
      return message(random);
  }
}
