/** UTF-8 between guest memory and strings, by the WHATWG Encoding standard: what is invalid becomes U+FFFD. */

const REPLACEMENT: u32 = 0xfffd;

/** Where the character after the one that `codePoint` gave begins. */
let next: usize = 0;

/** Decodes the bytes at `pointer`. The standard library's decoder does not check what it reads. */
export function decodeText(pointer: usize, length: usize): string {
  const end = pointer + length;
  if (isASCII(pointer, end)) {
    const text = __new(length << 1, idof<string>());
    for (let i: usize = 0; i < length; i++) store<u16>(text + (i << 1), load<u8>(pointer + i));
    return changetype<string>(text);
  }
  let units: usize = 0;
  for (let at = pointer; at < end; at = next) units += 1 + usize(codePoint(at, end) > 0xffff);
  const text = __new(units << 1, idof<string>());
  let to = text;
  for (let at = pointer; at < end; at = next) {
    const point = codePoint(at, end);
    if (point > 0xffff) {
      store<u16>(to, 0xd7c0 + (point >> 10));
      store<u16>(to, 0xdc00 | (point & 0x3ff), 2);
      to += 4;
    } else {
      store<u16>(to, point);
      to += 2;
    }
  }
  return changetype<string>(text);
}

/** Most bytes that a string of so many units can take. */
// @ts-ignore: a decorator of the AssemblyScript compiler, which TypeScript does not know
@inline
export function maxBytes(text: string): usize {
  return usize(text.length) * 3;
}

/** Writes the string at `to`, where `maxBytes` bytes MUST be free. Gives the number written. */
export function encodeText(text: string, to: usize): usize {
  const from = changetype<usize>(text);
  const units = <usize>text.length;
  // Hot, and nearly always ASCII; the standard library takes over where it isn't.
  for (let i: usize = 0; i < units; i++) {
    const unit = u32(load<u16>(from + (i << 1)));
    if (unit > 0x7f) {
      const rest = i32(units - i);
      return i + String.UTF8.encodeUnsafe(from + (i << 1), rest, to + i, false, String.UTF8.ErrorMode.REPLACE);
    }
    store<u8>(to + i, u8(unit));
  }
  return units;
}

function isASCII(at: usize, end: usize): bool {
  for (; at + 8 <= end; at += 8) if (load<u64>(at) & 0x8080808080808080) return false;
  for (; at < end; at++) if (load<u8>(at) & 0x80) return false;
  return true;
}

function codePoint(at: usize, end: usize): u32 {
  const lead = u32(load<u8>(at++));
  next = at;
  if (lead < 0x80) return lead;
  let low: u32 = 0x80;
  let high: u32 = 0xbf;
  let more: i32;
  let point: u32;
  if (lead >= 0xc2 && lead <= 0xdf) {
    more = 1;
    point = lead & 0x1f;
  } else if (lead >= 0xe0 && lead <= 0xef) {
    more = 2;
    point = lead & 0x0f;
    if (lead == 0xe0) low = 0xa0; // no overlong form
    if (lead == 0xed) high = 0x9f; // no surrogate
  } else if (lead >= 0xf0 && lead <= 0xf4) {
    more = 3;
    point = lead & 0x07;
    if (lead == 0xf0) low = 0x90; // no overlong form
    if (lead == 0xf4) high = 0x8f; // nothing above U+10FFFF
  } else {
    return REPLACEMENT;
  }
  for (; more > 0; more--) {
    if (at == end) return REPLACEMENT;
    const byte = u32(load<u8>(at));
    if (byte < low || byte > high) return REPLACEMENT;
    low = 0x80;
    high = 0xbf;
    point = (point << 6) | (byte & 0x3f);
    next = ++at;
  }
  return point;
}
