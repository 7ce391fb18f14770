import { formatJson } from '../log/json.ts';
import type { LogRecord } from '../log/record.ts';

/** What is kept of a plugin, and of all plugins and the host. */
export const kept = {
  maxPluginLines: 2_000,
  maxPluginBytes: 1024 * 1024,
  maxLines: 20_000,
  maxBytes: 8 * 1024 * 1024,
} as const;

/** Bytes of lines that may wait for a follower. */
const maxFollowerBytes = 256 * 1024;

/** Bytes that an entry takes besides its text, about. */
const entryBytes = 128;

export interface LogQuery {
  /** Only what is said of this plugin. */
  readonly plugin?: string | undefined;
  /** At most so many of the last lines. */
  readonly tail?: number | undefined;
  /** Only lines from this time on, in milliseconds since 1970. */
  readonly since?: number | undefined;
  /** Goes on with lines as they come. */
  readonly follow?: boolean;
  /** Ends that. */
  readonly signal?: AbortSignal;
}

interface Entry {
  readonly number: number;
  readonly time: number;
  readonly line: string;
  readonly bytes: number;
}

/**
 * The last lines of the log, as JSON. Bounded for each plugin and in all; when all together are too much, the plugin
 * that has most loses its oldest, so that one that prints without end costs the others nothing.
 */
export class LogHistory {
  /** By plugin; what is said of none is the host's, under the empty name. */
  readonly #shares = new Map<string, Share>();
  readonly #followers = new Set<Follower>();
  #lines = 0;
  #bytes = 0;
  #next = 0;
  #over = false;

  add(record: LogRecord): void {
    const { plugin = '' } = record.fields;
    const owner = String(plugin);
    const line = formatJson(record);
    const entry = {
      number: this.#next++,
      time: record.time,
      line,
      bytes: Buffer.byteLength(line) + entryBytes,
    };
    let share = this.#shares.get(owner);
    if (share === undefined) this.#shares.set(owner, (share = new Share()));
    share.add(entry);
    this.#lines += 1;
    this.#bytes += entry.bytes;
    while (share.count > kept.maxPluginLines || share.bytes > kept.maxPluginBytes) this.#drop(share);
    while (this.#lines > kept.maxLines || this.#bytes > kept.maxBytes) this.#drop(this.#largest(share));
    for (const follower of this.#followers) {
      if (follower.plugin === undefined || follower.plugin === owner) follower.take(entry);
    }
  }

  /**
   * Lines with their line end, several in a piece. A follower that does not keep up loses lines, and is told how many
   * with `log lines dropped`. Following ends with {@link end}, or by its signal.
   */
  async *read(query: LogQuery): AsyncGenerator<string> {
    const { plugin, tail = Infinity, since = -Infinity } = query;
    const shares = plugin === undefined ? [...this.#shares.values()] : [this.#shares.get(plugin)];
    const entries = shares
      .flatMap((share) => share?.entries() ?? [])
      .filter(({ time }) => time >= since)
      .toSorted((a, b) => a.number - b.number);
    const follower = new Follower(plugin);
    if (query.follow === true && !this.#over) this.#followers.add(follower);
    else follower.end();
    query.signal?.addEventListener('abort', () => follower.end());
    try {
      yield* pieces(entries.slice(Math.max(0, entries.length - tail)));
      for (;;) {
        const piece = await follower.next();
        if (piece === undefined) return;
        yield piece;
      }
    } finally {
      this.#followers.delete(follower);
    }
  }

  /** Ends every follower, once it has what was added so far. */
  end(): void {
    this.#over = true;
    for (const follower of this.#followers) follower.end();
  }

  #drop(share: Share): void {
    this.#lines -= 1;
    this.#bytes -= share.drop();
  }

  #largest(first: Share): Share {
    let largest = first;
    for (const share of this.#shares.values()) if (share.bytes > largest.bytes) largest = share;
    return largest;
  }
}

/** What is kept of one plugin, oldest first. */
class Share {
  #entries: Entry[] = [];
  /** Those before it are dropped. */
  #first = 0;
  bytes = 0;

  get count(): number {
    return this.#entries.length - this.#first;
  }

  add(entry: Entry): void {
    this.#entries.push(entry);
    this.bytes += entry.bytes;
  }

  /** Forgets the oldest; gives its bytes. */
  drop(): number {
    const { bytes = 0 } = this.#entries[this.#first++] ?? {};
    this.bytes -= bytes;
    if (this.#first > 256 && this.#first > this.#entries.length / 2) {
      this.#entries = this.#entries.slice(this.#first);
      this.#first = 0;
    }
    return bytes;
  }

  entries(): readonly Entry[] {
    return this.#entries.slice(this.#first);
  }
}

/** Lines on their way to somebody who reads them as they come. */
class Follower {
  readonly plugin: string | undefined;
  #waiting: string[] = [];
  #bytes = 0;
  #dropped = 0;
  #over = false;
  #wake = Promise.withResolvers<void>();

  constructor(plugin: string | undefined) {
    this.plugin = plugin;
  }

  take({ line, bytes }: Entry): void {
    // Once one is dropped the others are, too, until it is told: lines stay in their order.
    if (this.#dropped > 0 || this.#bytes + bytes > maxFollowerBytes) {
      this.#dropped += 1;
    } else {
      this.#waiting.push(line);
      this.#bytes += bytes;
    }
    this.#wake.resolve();
  }

  end(): void {
    this.#over = true;
    this.#wake.resolve();
  }

  /** What has come; undefined at the end. */
  async next(): Promise<string | undefined> {
    if (this.#waiting.length === 0 && !this.#over) await this.#wake.promise;
    this.#wake = Promise.withResolvers();
    if (this.#waiting.length === 0) return undefined;
    if (this.#dropped > 0) this.#waiting.push(droppedLine(this.#dropped));
    const piece = this.#waiting.join('');
    this.#waiting = [];
    this.#bytes = 0;
    this.#dropped = 0;
    return piece;
  }
}

function droppedLine(count: number): string {
  return formatJson({ time: Date.now(), level: 'warn', message: 'log lines dropped', fields: { count } });
}

/** Lines in pieces of some size, since each piece is a write. */
function* pieces(entries: readonly Entry[]): Generator<string> {
  let piece = '';
  for (const { line } of entries) {
    piece += line;
    if (piece.length < 64 * 1024) continue;
    yield piece;
    piece = '';
  }
  if (piece !== '') yield piece;
}
