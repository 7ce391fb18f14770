/**
 * Whether a text has no statement in it: only blanks, semicolons and remarks, by the rules of SQLite's
 * tokenizer. What it cannot read is no blank: SQLite will say what is wrong with it.
 */
export function isBlank(sql: string): boolean {
  for (let at = 0; at < sql.length;) {
    const end = endOfBlank(sql, at);
    if (end === at) return false;
    at = end;
  }
  return true;
}

/** Where the blank, semicolon or remark that begins here ends; where it begins when something else does. */
function endOfBlank(sql: string, at: number): number {
  switch (sql.charCodeAt(at)) {
    case 0x09:
    case 0x0a:
    case 0x0c:
    case 0x0d:
    case 0x20: {
      // A vertical tab is a blank only behind another.
      let end = at + 1;
      while (sql.charCodeAt(end) === 0x0b) end++;
      return end;
    }
    // ; and the byte order mark
    case 0x3b:
    case 0xfeff:
      return at + 1;
    case 0x2d: {
      if (sql.charCodeAt(at + 1) !== 0x2d) return at;
      // The end of the line is a blank of its own.
      const found = sql.indexOf('\n', at + 2);
      return found < 0 ? sql.length : found;
    }
    case 0x2f: {
      // A remark that nothing ends goes on to the end, but two characters at the very end are none.
      if (sql.charCodeAt(at + 1) !== 0x2a || at + 2 >= sql.length) return at;
      const found = sql.indexOf('*/', at + 2);
      return found < 0 ? sql.length : found + 2;
    }
    default:
      return at;
  }
}
