/**
 * Which parameters a statement has. `node:sqlite` does not tell: values that are missing it binds as NULL
 * without a word. So they are read from the statement's text, by the rules of SQLite's tokenizer and in the
 * order in which its parser numbers them. The text is one that SQLite has compiled: it has no errors.
 */
import { byteOrderMark, endOfToken, isIdentifier, isSigil, question } from './token.ts';

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
