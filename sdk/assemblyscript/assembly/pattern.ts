/** What a segment of a pattern takes. */
enum SegmentKind {
  Static,
  /** `:name` takes any one segment, also an empty one. */
  Param,
  /** `*name` in the last place takes the rest. */
  Rest,
}

const SLASH: u32 = 0x2f;
const PERCENT: u32 = 0x25;

/** A route's path pattern, matched as the host does (contract section 6). */
export class Pattern {
  private kinds: SegmentKind[] = [];
  private texts: ArrayBuffer[] = [];

  constructor(pattern: string) {
    const segments = pattern.split("/");
    for (let i = 1; i < segments.length; i++) {
      const segment = segments[i];
      const last = i == segments.length - 1;
      const first = segment.length > 1 ? segment.charCodeAt(0) : 0;
      if (first == 0x3a) this.kinds.push(SegmentKind.Param);
      else if (first == 0x2a && last) this.kinds.push(SegmentKind.Rest);
      else this.kinds.push(SegmentKind.Static);
      this.texts.push(String.UTF8.encode(segment));
    }
  }

  /**
   * Whether the pattern takes a path. The path is split at `/` first and each segment decoded then, so that
   * `%2F` stays in its segment; `encoded` says that there is something to decode.
   */
  matches(start: usize, size: usize, encoded: bool): bool {
    const end = start + size;
    if (size == 0 || load<u8>(start) != SLASH) return false;
    let at = start + 1;
    const count = this.kinds.length;
    for (let i = 0; i < count; i++) {
      const kind = unchecked(this.kinds[i]);
      if (kind == SegmentKind.Rest) return true;
      let stop = at;
      while (stop < end && load<u8>(stop) != SLASH) stop++;
      if (kind == SegmentKind.Static && !sameSegment(unchecked(this.texts[i]), at, stop, encoded)) return false;
      if (stop == end) return i == count - 1;
      at = stop + 1;
    }
    return false;
  }
}

function sameSegment(text: ArrayBuffer, at: usize, end: usize, encoded: bool): bool {
  let expected = changetype<usize>(text);
  const expectedEnd = expected + text.byteLength;
  while (at < end && expected < expectedEnd) {
    let byte = u32(load<u8>(at));
    if (encoded && byte == PERCENT && at + 2 < end) {
      const high = hexDigit(load<u8>(at, 1));
      const low = hexDigit(load<u8>(at, 2));
      if (high < 16 && low < 16) {
        byte = (high << 4) | low;
        at += 2;
      }
    }
    if (byte != load<u8>(expected)) return false;
    at++;
    expected++;
  }
  return at == end && expected == expectedEnd;
}

/** The value of a hexadecimal digit; 16 when it is none. */
function hexDigit(byte: u32): u32 {
  if (byte - 0x30 < 10) return byte - 0x30;
  const letter = (byte | 0x20) - 0x61;
  return letter < 6 ? letter + 10 : 16;
}
