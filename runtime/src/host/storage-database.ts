import { open } from 'node:fs/promises';
import type { DatabaseSync } from 'node:sqlite';

/** How long SQLite waits for somebody who has the database locked, in milliseconds. */
const busyTimeoutMs = 5000;
/** Pages copied between two looks at other work. */
const pagesAtOnce = 1000;
/**
 * How often a copy may come no further than it was, because the database is locked or because a write made SQLite
 * begin anew. Only journal modes other than WAL know either.
 */
const maxStalls = 20;

/** Result codes of SQLite: BUSY and LOCKED; CORRUPT and NOTADB. */
const locked: ReadonlySet<number> = new Set([5, 6]);
const damaged: ReadonlySet<number> = new Set([11, 26]);

export interface DatabaseCopy {
  /** Whose it is, for errors. */
  readonly plugin: string;
  readonly source: Buffer;
  /** Not there yet; made for the user of this process alone. */
  readonly target: Buffer;
  /** What to do about a database that is damaged. */
  readonly remedy: string;
  /** Called now and then while it goes on. */
  readonly progress: () => void;
}

/**
 * Copies a database by SQLite itself, as of one moment, whatever is written meanwhile, and checks the copy. Gives its
 * bytes. Throws an Error that names the plugin and the file, and says what to do: it is locked, damaged, or cannot be
 * read.
 */
export async function copyDatabase({
  plugin,
  source,
  target,
  remedy,
  progress,
}: DatabaseCopy): Promise<number> {
  const { DatabaseSync } = await import('node:sqlite');
  await (await open(target, 'wx', 0o600)).close();
  try {
    const from = new DatabaseSync(source, { timeout: busyTimeoutMs });
    try {
      await copyPages(from, target, progress);
    } finally {
      from.close();
    }
    const to = new DatabaseSync(target);
    try {
      const [row] = to.prepare('PRAGMA quick_check(1)').all();
      if (row?.['quick_check'] !== 'ok') throw new Problem('damaged', String(row?.['quick_check']));
    } finally {
      to.close();
    }
  } catch (error) {
    const { kind, message } = problemOf(error);
    const what = {
      locked: `is locked: a transaction of the plugin lets nobody read (${message}). Try again, or stop the plugin first`,
      damaged: `is damaged, or is no database (${message}). ${remedy}`,
      other: `cannot be copied: ${message}`,
    }[kind];
    throw new Error(`the database of ${plugin}, ${source.toString()}, ${what}`, { cause: error });
  }
  await using copied = await open(target, 'r');
  await copied.sync();
  return (await copied.stat()).size;
}

async function copyPages(from: DatabaseSync, target: Buffer, progress: () => void): Promise<void> {
  const { backup } = await import('node:sqlite');
  // In WAL mode a reader stands in nobody's way, and without one each write would make the copy begin anew. In other
  // modes one would keep the plugin from writing.
  const [mode] = from.prepare('PRAGMA journal_mode').all();
  if (mode?.['journal_mode'] === 'wal') from.exec('BEGIN');
  from.prepare('SELECT count(*) FROM sqlite_schema').all();
  let least = Infinity;
  let stalls = 0;
  try {
    await backup(from, target, {
      rate: pagesAtOnce,
      progress({ remainingPages }) {
        if (remainingPages < least) stalls = 0;
        else if (++stalls > maxStalls) throw new Problem('locked', 'or it is written to all the time');
        least = remainingPages;
        progress();
      },
    });
  } catch (error) {
    // What SQLite says when it is locked before the first page is copied.
    if (resultCode(error) === 0) throw new Problem('locked', 'database is locked');
    throw error;
  }
}

/** Why a database cannot be copied, where SQLite's own errors do not say it. */
class Problem extends Error {
  readonly kind: 'locked' | 'damaged';

  constructor(kind: 'locked' | 'damaged', message: string) {
    super(message);
    this.kind = kind;
  }
}

function problemOf(error: unknown): {
  readonly kind: 'locked' | 'damaged' | 'other';
  readonly message: string;
} {
  if (error instanceof Problem) return error;
  const message = error instanceof Error ? error.message : String(error);
  const code = resultCode(error) ?? -1;
  return { kind: locked.has(code) ? 'locked' : damaged.has(code) ? 'damaged' : 'other', message };
}

/** SQLite's own code of an error that `node:sqlite` threw, without its extension. */
function resultCode(error: unknown): number | undefined {
  if (!(error instanceof Error) || !('errcode' in error) || typeof error.errcode !== 'number')
    return undefined;
  return error.errcode & 0xff;
}
