/**
 * Which parameters a statement has. `node:sqlite` does not tell: values that are missing it binds as NULL
 * without a word. So they are read from the statement's text, by the rules of SQLite's tokenizer and in the
 * order in which its parser numbers them. The text is one that SQLite has compiled: it has no errors.
 */

/** The parameters of a statement, and where their values come from. */
export interface Slots {
  /** How many values a call has to bring at least. */
  readonly needed: number;
  /**
   * The value of each parameter that has no name, in order: indexes into the call's values. A value may be
   * there for several, as for `?1`, whose index SQLite counts once.
   */
  readonly positions: readonly number[];
  /** Parameters such as `$3`, which `node:sqlite` takes by name: the name, and the index of the value. */
  readonly named: readonly (readonly [name: string, index: number])[];
  /** The first parameter that can be given no value here, such as `:name`. */
  readonly refused: string | undefined;
}

/** What a statement is, as far as its text says it. */
export interface Scanned {
  readonly slots: Slots;
  /** The first word, in upper case; empty when there is none. */
  readonly verb: string;
}

const none: Slots = { needed: 0, positions: [], named: [], refused: undefined };

/** Reads a statement's text. `parameters` is false where `?` means nothing: in arguments of a virtual table. */
export function scanStatement(sql: string, { parameters }: { readonly parameters: boolean }): Scanned {
  const names: (string | undefined)[] = [];
  const known = new Set<string>();
  let verb = '';
  for (let at = 0; at < sql.length;) {
    const unit = sql.charCodeAt(at);
    const end = endOfToken(sql, at, unit);
    if (unit === question || isSigil(unit)) note(names, known, sql.slice(at, end));
    else if (verb === '' && isIdentifier(unit) && unit !== byteOrderMark) {
      verb = sql.slice(at, end).toUpperCase();
    }
    at = end;
  }
  return { verb, slots: parameters && names.length > 0 ? slotsOf(names) : none };
}

const question = 0x3f;
/** A blank to SQLite where a token could begin. */
const byteOrderMark = 0xfeff;

/** Gives a parameter its number as SQLite does, and keeps its first name there. */
function note(names: (string | undefined)[], known: Set<string>, token: string): void {
  if (token === '?') {
    names.push(undefined);
  } else if (token.startsWith('?')) {
    const number = Number(token.slice(1));
    while (names.length < number) names.push(undefined);
    names[number - 1] ??= token;
  } else if (!known.has(token)) {
    known.add(token);
    names.push(token);
  }
}

/** `$` with a number behind it, in the one form that Go writes. */
const dollarNumber = /^\$[1-9]\d{0,4}$/;

function slotsOf(names: readonly (string | undefined)[]): Slots {
  const positions: number[] = [];
  const named: [string, number][] = [];
  let needed = 0;
  for (const [index, name] of names.entries()) {
    let value = index;
    if (name === undefined || name.startsWith('?')) {
      positions.push(index);
    } else if (dollarNumber.test(name)) {
      value = Number(name.slice(1)) - 1;
      named.push([name, value]);
    } else {
      return { ...none, refused: name };
    }
    needed = Math.max(needed, value + 1);
  }
  return { needed, positions, named, refused: undefined };
}

/** Where the token that begins here ends. Blanks and operators are tokens of one character. */
function endOfToken(sql: string, at: number, unit: number): number {
  const next = sql.charCodeAt(at + 1);
  switch (unit) {
    // A quote in quoted text is doubled, which is as good as two texts side by side.
    case 0x27: // '
    case 0x22: // "
    case 0x60: // `
      return behind(sql, sql.indexOf(sql.charAt(at), at + 1), 1);
    case 0x5b: // [
      return behind(sql, sql.indexOf(']', at + 1), 1);
    case 0x2d: // -
      return next === 0x2d ? behind(sql, sql.indexOf('\n', at + 2), 1) : at + 1;
    case 0x2f: // /
      return next === 0x2a ? behind(sql, sql.indexOf('*/', at + 2), 2) : at + 1;
    case byteOrderMark:
      return at + 1;
    case question: {
      let end = at + 1;
      while (isDigit(sql.charCodeAt(end))) end++;
      return end;
    }
    default:
      if (isSigil(unit)) return endOfName(sql, at + 1);
      return isIdentifier(unit) ? endOfIdentifier(sql, at + 1) : at + 1;
  }
}

function behind(sql: string, found: number, size: number): number {
  return found < 0 ? sql.length : found + size;
}

function endOfIdentifier(sql: string, from: number): number {
  let end = from;
  while (end < sql.length && isIdentifier(sql.charCodeAt(end))) end++;
  return end;
}

/** The end of a name behind `$`, `@`, `#` or `:`: Tcl's `::` and `(index)` may be in it. */
function endOfName(sql: string, from: number): number {
  let end = from;
  for (; end < sql.length; end++) {
    const unit = sql.charCodeAt(end);
    if (isIdentifier(unit)) continue;
    if (unit === 0x3a && sql.charCodeAt(end + 1) === 0x3a) {
      end++;
    } else {
      if (unit === 0x28) return behind(sql, sql.indexOf(')', end), 1);
      break;
    }
  }
  return end;
}

/** `$`, `@`, `#` or `:`, which begin a name. */
function isSigil(unit: number): boolean {
  return unit === 0x24 || unit === 0x40 || unit === 0x23 || unit === 0x3a;
}

function isDigit(unit: number): boolean {
  return unit >= 0x30 && unit <= 0x39;
}

/** What SQLite lets an identifier have behind its first character; numbers are read as such, too. */
function isIdentifier(unit: number): boolean {
  return (
    (unit >= 0x61 && unit <= 0x7a) ||
    (unit >= 0x41 && unit <= 0x5a) ||
    isDigit(unit) ||
    unit === 0x5f ||
    unit === 0x24 ||
    unit >= 0x80
  );
}
