import { decodePercent } from './percent.ts';

/**
 * The pairs of a query as one flat list: key, value, key, value. The first value of each key counts; `+` is a
 * space; a pair whose percent-encoding is broken is dropped, and so is an empty one (contract section 6); a key
 * without `=` has the empty value.
 *
 * `raw` is what stands behind `?`, a binary string (one UTF-16 unit, 0 to 255, for each byte), and so are keys
 * and values: they need not be UTF-8. It takes time and memory in proportion to the query's length, whatever
 * is in it, and as a list it has no keys, such as `__proto__`, that mean something else.
 */
export function parseQuery(raw: string): string[] {
  const pairs: string[] = [];
  const seen = new Set<string>();
  for (let start = 0; start < raw.length;) {
    const separator = raw.indexOf('&', start);
    const end = separator < 0 ? raw.length : separator;
    if (end > start) {
      const pair = raw.slice(start, end);
      const equals = pair.indexOf('=');
      const key = decode(equals < 0 ? pair : pair.slice(0, equals));
      const value = equals < 0 ? '' : decode(pair.slice(equals + 1));
      if (key !== undefined && value !== undefined && !seen.has(key)) {
        seen.add(key);
        pairs.push(key, value);
      }
    }
    start = end + 1;
  }
  return pairs;
}

function decode(text: string): string | undefined {
  return decodePercent(text.includes('+') ? text.replaceAll('+', ' ') : text);
}
