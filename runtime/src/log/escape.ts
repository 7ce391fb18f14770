/** What Go's `strconv.Quote` prints as it is: letters, marks, numbers, punctuation, symbols and the blank. */
const UNPRINTABLE = /[^\p{L}\p{M}\p{N}\p{P}\p{S} ]/gu;

const SHORT: Readonly<Record<string, string>> = {
  '\x07': String.raw`\a`,
  '\b': String.raw`\b`,
  '\f': String.raw`\f`,
  '\n': String.raw`\n`,
  '\r': String.raw`\r`,
  '\t': String.raw`\t`,
  '\v': String.raw`\v`,
};

/**
 * Makes text safe for a terminal and for one line: whatever does not print becomes an escape as Go writes
 * it (`\n`, `\x1b`, `\u202e`). That covers the marks that turn text round and lone surrogates, too.
 */
export function escapeUnprintable(text: string): string {
  return text.replace(UNPRINTABLE, (character) => SHORT[character] ?? byCodePoint(character));
}

function byCodePoint(character: string): string {
  const code = character.codePointAt(0) ?? 0;
  const hex = code.toString(16);
  if (code < 0x80) return String.raw`\x` + hex.padStart(2, '0');
  if (code < 0x1_0000) return String.raw`\u` + hex.padStart(4, '0');
  return String.raw`\U` + hex.padStart(8, '0');
}
