/**
 * Where the msgpack value that begins at `at` ends, or 0 when it is not whole before `end`, or no msgpack.
 *
 * Hot: every event is walked through once. So it works on plain numbers, and counts what is still to pass
 * instead of recursing: nesting costs no stack, and a header that claims four billion entries no time, since
 * each turn takes a byte at least.
 */
export function skipValue(at: usize, end: usize): usize {
  for (let left: u64 = 1; left > 0; left--) {
    if (at >= end) return 0;
    const byte = u32(load<u8>(at++));
    if (byte <= 0x7f || byte >= 0xe0) continue;
    let size: usize = 0;
    if (byte >= 0xa0 && byte <= 0xbf) {
      size = byte & 0x1f;
    } else if (byte <= 0x8f) {
      left += (byte & 0x0f) << 1;
      continue;
    } else if (byte <= 0x9f) {
      left += byte & 0x0f;
      continue;
    } else {
      const width = headWidth(byte);
      if (byte == 0xc1 || width > end - at) return 0;
      const count = width == 0 ? 0 : unsignedAt(at, width);
      at += width;
      if (byte >= 0xde) {
        left += u64(count) << 1;
        continue;
      }
      if (byte >= 0xdc) {
        left += count;
        continue;
      }
      size = width != 0 ? usize(count) : fixedSize(byte);
      if (byte >= 0xc7 && byte <= 0xc9) {
        // An extension has a byte for its type before its content.
        if (at >= end) return 0;
        at++;
      }
    }
    if (size > end - at) return 0;
    at += size;
  }
  return at;
}

/** Bytes of the length or count behind a first byte of 0xc0 to 0xdf; 0 when there is none. */
function headWidth(byte: u32): usize {
  switch (byte) {
    case 0xc4: case 0xc7: case 0xd9: return 1;
    case 0xc5: case 0xc8: case 0xda: case 0xdc: case 0xde: return 2;
    case 0xc6: case 0xc9: case 0xdb: case 0xdd: case 0xdf: return 4;
    default: return 0;
  }
}

/** Bytes of content behind a first byte that says their number itself. */
function fixedSize(byte: u32): usize {
  switch (byte) {
    case 0xcc: case 0xd0: return 1;
    case 0xcd: case 0xd1: case 0xd4: return 2;
    case 0xd5: return 3;
    case 0xca: case 0xce: case 0xd2: return 4;
    case 0xd6: return 5;
    case 0xcb: case 0xcf: case 0xd3: return 8;
    case 0xd7: return 9;
    case 0xd8: return 17;
    default: return 0;
  }
}

function unsignedAt(at: usize, width: usize): u32 {
  if (width == 1) return load<u8>(at);
  if (width == 2) return bswap<u16>(load<u16>(at));
  return bswap<u32>(load<u32>(at));
}
