import { escapeUnprintable } from '../log/escape.ts';

/** Longer text is cut in messages, in UTF-16 units. */
const maxLength = 80;

/** Text of a manifest for a message: in quotes, cut when long, and harmless to a terminal. */
export function shown(text: string): string {
  const cut = text.length > maxLength ? `${text.slice(0, maxLength)}…` : text;
  return `"${escapeUnprintable(cut.replaceAll(/["\\]/g, String.raw`\$&`))}"`;
}

/** The way to a value: keys of tables, and numbers for entries of lists. */
export type KeyPath = readonly (string | number)[];

/** A key as TOML writes it: joined by dots, in quotes where it is not a bare key, and `[2]` for entries. */
export function keyOf(path: KeyPath): string {
  let key = '';
  for (const segment of path) {
    if (typeof segment === 'number') key += `[${segment}]`;
    else key += (key === '' ? '' : '.') + (/^[\w-]{1,80}$/.test(segment) ? segment : shown(segment));
  }
  return key;
}
