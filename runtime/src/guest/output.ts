/** What {@link GuestOutput} gives its lines to, and the bounds it keeps. */
export interface GuestOutputOptions {
  /** A line without its end, harmless to print. */
  readonly line: (fd: 1 | 2, text: string) => void;
  /** That many lines were dropped because the guest printed too many. */
  readonly dropped: (count: number) => void;
  /** Milliseconds that never go back. Default `performance.now`. */
  readonly now?: () => number;
  /** Longest line, in characters as they come out, escapes included. Default 8192. */
  readonly maxLine?: number;
  /** Lines a second, over a longer time. Default 1000. */
  readonly linesPerSecond?: number;
  /** Lines at once. Default 2000. */
  readonly burst?: number;
}

/** How often it is said that lines are dropped, in milliseconds. */
const sayEveryMs = 1000;

/** Control characters but the tab, line and paragraph separators, and what changes the direction of text. */
const harmful = /[[\p{Cc}--\t]\u{61c}\u{200e}\u{200f}\u{2028}-\u{202e}\u{2066}-\u{2069}]/gv;

/** The unfinished last line of a stream. */
class Pending {
  readonly decoder = new TextDecoder('utf-8', { ignoreBOM: true });
  text = '';
  /** More came than `text` has. */
  cut = false;
}

/**
 * Turns what a guest prints into log lines. It bounds their length and their number, so that a guest cannot
 * fill the log, and shows control characters and terminal escapes as `\x1b` or `\u{202e}`, so that it cannot
 * forge lines or drive the terminal of whoever reads it. Broken UTF-8 becomes U+FFFD.
 */
export class GuestOutput {
  readonly #options: Required<GuestOutputOptions>;
  readonly #pending = { 1: new Pending(), 2: new Pending() } as const;
  #tokens: number;
  #filled: number;
  /** Lines are dropped until there is room again. */
  #dropping = false;
  #dropped = 0;
  #saidAt = Number.NEGATIVE_INFINITY;

  constructor(options: GuestOutputOptions) {
    this.#options = {
      now: () => performance.now(),
      maxLine: 8192,
      linesPerSecond: 1000,
      burst: 2000,
      ...options,
    };
    this.#tokens = this.#options.burst;
    this.#filled = this.#options.now();
  }

  /** Takes bytes that the guest printed, and gives on the lines that end in them. */
  write(fd: 1 | 2, bytes: Uint8Array): void {
    const pending = this.#pending[fd];
    const text = pending.decoder.decode(bytes, { stream: true });
    let start = 0;
    for (let end = text.indexOf('\n'); end >= 0; end = text.indexOf('\n', start)) {
      this.#append(pending, text.slice(start, end));
      this.#end(fd, pending);
      start = end + 1;
    }
    this.#append(pending, text.slice(start));
  }

  /**
   * Gives on last lines without an end, and says what was dropped. For when a guest has ended: the last thing
   * it said is often why, so these lines are never dropped.
   */
  flush(): void {
    this.#sayDroppedNow(this.#options.now());
    for (const fd of [1, 2] as const) {
      const pending = this.#pending[fd];
      this.#append(pending, pending.decoder.decode());
      if (pending.text !== '') this.#options.line(fd, this.#take(pending));
    }
  }

  #append(pending: Pending, text: string): void {
    // One more than fits, which may be the carriage return before a line's end.
    const room = this.#options.maxLine + 1 - pending.text.length;
    if (text.length > room) pending.cut = true;
    pending.text += text.slice(0, room);
  }

  #end(fd: 1 | 2, pending: Pending): void {
    if (this.#admit()) {
      this.#sayDroppedNow(this.#filled);
      if (pending.text.endsWith('\r')) pending.text = pending.text.slice(0, -1);
      this.#options.line(fd, this.#take(pending));
      return;
    }
    this.#dropping = true;
    this.#dropped += 1;
    pending.text = '';
    pending.cut = false;
    // Whoever reads along hears of it when it begins, and while it goes on.
    this.sayDropped(this.#filled);
  }

  /** Says what was dropped since that was last said, at most once a second. Hot: it is called behind every step. */
  sayDropped(now?: number): void {
    if (this.#dropped === 0) return;
    const time = now ?? this.#options.now();
    if (time - this.#saidAt >= sayEveryMs) this.#sayDroppedNow(time);
  }

  /** Whether there is room for another line, which it then takes. */
  #admit(): boolean {
    const { now, linesPerSecond, burst } = this.#options;
    const time = now();
    this.#tokens = Math.min(burst, this.#tokens + ((time - this.#filled) / 1000) * linesPerSecond);
    this.#filled = time;
    // Once lines are dropped it takes half a burst to begin again. Otherwise a flood would come through as
    // single lines, each with a remark about those dropped before it.
    if (this.#tokens < (this.#dropping ? burst / 2 : 1)) return false;
    this.#tokens -= 1;
    this.#dropping = false;
    return true;
  }

  #sayDroppedNow(now: number): void {
    if (this.#dropped === 0) return;
    this.#saidAt = now;
    const count = this.#dropped;
    this.#dropped = 0;
    this.#options.dropped(count);
  }

  #take(pending: Pending): string {
    const { text, cut } = pending;
    const { maxLine } = this.#options;
    pending.text = '';
    pending.cut = false;
    const safe = text.replaceAll(harmful, escape);
    if (!cut && safe.length <= maxLine) return safe;
    // Character by character, so that neither an escape nor a surrogate pair is cut in two.
    let kept = '';
    for (const character of text) {
      const next = character.replaceAll(harmful, escape);
      if (kept.length + next.length > maxLine) break;
      kept += next;
    }
    return `${kept}… [cut at ${maxLine} characters]`;
  }
}

function escape(character: string): string {
  const hex = (character.codePointAt(0) ?? 0).toString(16);
  return hex.length <= 2 ? `\\x${hex.padStart(2, '0')}` : `\\u{${hex}}`;
}
