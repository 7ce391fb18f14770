import { Buffer } from 'node:buffer';

const hexDigit = new Int8Array(256).fill(-1);
for (let digit = 0; digit < 16; digit++) {
  hexDigit[digit.toString(16).charCodeAt(0)] = digit;
  hexDigit[digit.toString(16).toUpperCase().charCodeAt(0)] = digit;
}

/** The byte that the two digits at `at` say, negative where they are none. */
function byteAt(raw: string, at: number): number {
  const high = hexDigit[raw.charCodeAt(at)] ?? -1;
  const low = hexDigit[raw.charCodeAt(at + 1)] ?? -1;
  return high < 0 || low < 0 ? -1 : high * 16 + low;
}

/** Up to here joining strings is faster than filling a buffer (Node 26: 60 against 270 ns for 14 characters). */
const shortText = 100;

/**
 * Undoes percent-encoding (RFC 3986 section 2.1), from a binary string to a binary string: the bytes need not
 * be UTF-8, and NUL is a byte like any other. `+` has no meaning here. `undefined`: a `%` without two
 * hexadecimal digits behind it.
 */
export function decodePercent(raw: string): string | undefined {
  const first = raw.indexOf('%');
  if (first < 0) return raw;
  return raw.length > shortText ? decodeLong(raw, first) : decodeShort(raw, first);
}

/** A path that {@link decodePercent} gives this text for. */
export function encodePercent(text: string): string {
  return text.replaceAll('%', '%25');
}

/**
 * Whether a path has a slash that is encoded. Decoded, it looks like one between segments, which to whoever looks at
 * segments it is not.
 */
export function hasEncodedSlash(path: string): boolean {
  return path.includes('%') && /%2f/i.test(path);
}

function decodeShort(raw: string, first: number): string | undefined {
  let text = '';
  let start = 0;
  for (let percent = first; percent >= 0; percent = raw.indexOf('%', start)) {
    const byte = byteAt(raw, percent + 1);
    if (byte < 0) return undefined;
    text += raw.slice(start, percent) + String.fromCharCode(byte);
    start = percent + 3;
  }
  return text + raw.slice(start);
}

function decodeLong(raw: string, first: number): string | undefined {
  const bytes = Buffer.from(raw, 'latin1');
  let to = first;
  for (let from = first; from < bytes.length; from++) {
    let byte = bytes[from] ?? 0;
    if (byte === 0x25) {
      byte = byteAt(raw, from + 1);
      if (byte < 0) return undefined;
      from += 2;
    }
    bytes[to++] = byte;
  }
  return bytes.toString('latin1', 0, to);
}
