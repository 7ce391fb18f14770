/**
 * SQL by the rules of SQLite's tokenizer, as far as it takes to pass over what is quoted or a remark. The text
 * may be any: what is no token is one of a single character.
 */

/** `?` */
export const question = 0x3f;
/** A blank to SQLite where a token could begin. */
export const byteOrderMark = 0xfeff;

/** Where the token that begins here ends. Blanks and operators are tokens of one character. */
export function endOfToken(sql: string, at: number, unit: number): number {
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

/** Whether a text has this word, given in upper case, and not only quoted or in a remark. */
export function hasWord(sql: string, word: string): boolean {
  for (let at = 0; at < sql.length;) {
    const unit = sql.charCodeAt(at);
    const end = endOfToken(sql, at, unit);
    if (isIdentifier(unit) && sql.slice(at, end).toUpperCase() === word) return true;
    at = end;
  }
  return false;
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
export function isSigil(unit: number): boolean {
  return unit === 0x24 || unit === 0x40 || unit === 0x23 || unit === 0x3a;
}

function isDigit(unit: number): boolean {
  return unit >= 0x30 && unit <= 0x39;
}

/** What SQLite lets an identifier have behind its first character; numbers are read as such, too. */
export function isIdentifier(unit: number): boolean {
  return (
    (unit >= 0x61 && unit <= 0x7a) ||
    (unit >= 0x41 && unit <= 0x5a) ||
    isDigit(unit) ||
    unit === 0x5f ||
    unit === 0x24 ||
    unit >= 0x80
  );
}
