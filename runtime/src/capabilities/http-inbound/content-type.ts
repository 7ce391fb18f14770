/**
 * The type of a response body whose plugin did not say one (contract section 5), by the signatures of the
 * WHATWG MIME Sniffing standard, https://mimesniff.spec.whatwg.org.
 */

/**
 * How much of a body is looked at, in bytes. The standard's figure: the longest MP3 frame (1,440 bytes) and
 * the header of the frame after it fit.
 */
const headerBytes = 1445;

const html = 'text/html; charset=utf-8';
const text = 'text/plain; charset=utf-8';
const unknown = 'application/octet-stream';

/** One row of the standard's tables. */
interface Signature {
  readonly type: string;
  readonly pattern: Uint8Array;
  /** ANDed to the body before it is compared: 0xdf folds the case of a letter, 0 ignores a byte. */
  readonly mask: Uint8Array;
  /** A blank or `>` has to follow: the pattern is a tag, not the beginning of a longer word. */
  readonly tag: boolean;
}

/** A signature out of text, compared exactly, and numbers of bytes that may be anything. */
function signature(type: string, ...parts: readonly (string | number)[]): Signature {
  const pattern: number[] = [];
  const mask: number[] = [];
  for (const part of parts) {
    const bytes = typeof part === 'number' ? new Uint8Array(part) : Buffer.from(part, 'latin1');
    pattern.push(...bytes);
    mask.push(...bytes.map(() => (typeof part === 'number' ? 0 : 0xff)));
  }
  return { type, pattern: Uint8Array.from(pattern), mask: Uint8Array.from(mask), tag: false };
}

/** A signature of HTML: upper-case letters stand for both cases. */
function tag(name: string): Signature {
  const row = signature(html, name);
  return { ...row, mask: row.pattern.map((byte) => (isUpper(byte) ? 0xdf : 0xff)), tag: true };
}

function isUpper(byte: number): boolean {
  return byte >= 0x41 && byte <= 0x5a;
}

/** Found behind any number of blanks. */
const afterBlanks: readonly Signature[] = [
  tag('<!DOCTYPE HTML'),
  tag('<HTML'),
  tag('<HEAD'),
  tag('<SCRIPT'),
  tag('<IFRAME'),
  tag('<H1'),
  tag('<DIV'),
  tag('<FONT'),
  tag('<TABLE'),
  tag('<A'),
  tag('<STYLE'),
  tag('<TITLE'),
  tag('<B'),
  tag('<BODY'),
  tag('<BR'),
  tag('<P'),
  tag('<!--'),
  signature('text/xml; charset=utf-8', '<?xml'),
];

/** Found at the first byte. */
const atStart: readonly Signature[] = [
  signature('application/pdf', '%PDF-'),
  signature('application/postscript', '%!PS-Adobe-'),
  // Byte order marks: the standard wants four bytes, so a mark alone is text like any other.
  signature('text/plain; charset=utf-16be', '\xfe\xff', 2),
  signature('text/plain; charset=utf-16le', '\xff\xfe', 2),
  signature(text, '\xef\xbb\xbf', 1),
  signature('image/x-icon', '\0\0\x01\0'),
  signature('image/x-icon', '\0\0\x02\0'),
  signature('image/bmp', 'BM'),
  signature('image/gif', 'GIF87a'),
  signature('image/gif', 'GIF89a'),
  signature('image/webp', 'RIFF', 4, 'WEBPVP'),
  signature('image/png', '\x89PNG\r\n\x1a\n'),
  signature('image/jpeg', '\xff\xd8\xff'),
  signature('audio/aiff', 'FORM', 4, 'AIFF'),
  signature('audio/mpeg', 'ID3'),
  signature('application/ogg', 'OggS\0'),
  signature('audio/midi', 'MThd\0\0\0\x06'),
  signature('video/avi', 'RIFF', 4, 'AVI '),
  signature('audio/wave', 'RIFF', 4, 'WAVE'),
  signature('font/ttf', '\0\x01\0\0'),
  signature('font/otf', 'OTTO'),
  signature('font/collection', 'ttcf'),
  signature('font/woff', 'wOFF'),
  signature('font/woff2', 'wOF2'),
  signature('application/x-gzip', '\x1f\x8b\x08'),
  signature('application/zip', 'PK\x03\x04'),
  signature('application/x-rar-compressed', 'Rar \x1a\x07\0'),
];

/**
 * Embedded OpenType begins with 34 bytes of anything, so any text with `LP` there would be a font. Its version
 * field has zero bytes: it is only looked for in what is not text.
 */
const embeddedOpenType = signature('application/vnd.ms-fontobject', 34, 'LP');

const none: readonly Signature[] = [];

/** Signatures by their first byte, so that a body is only compared with those that can match. */
function byFirstByte(rows: readonly Signature[]): readonly (readonly Signature[])[] {
  const index: Signature[][] = Array.from({ length: 256 }, () => []);
  for (const row of rows) index[row.pattern[0] ?? 0]?.push(row);
  return index.map((found) => (found.length > 0 ? found : none));
}

const afterBlanksByByte = byFirstByte(afterBlanks);
const atStartByByte = byFirstByte(atStart);

/** The standard's binary data bytes: control characters but tab, LF, FF, CR and escape. */
const binary = Uint8Array.from({ length: 256 }, (_, byte) =>
  byte <= 0x08 || byte === 0x0b || (byte >= 0x0e && byte <= 0x1a) || (byte >= 0x1c && byte <= 0x1f) ? 1 : 0,
);

/**
 * The `Content-Type` for a body that came without one. What no signature fits is `text/plain; charset=utf-8`
 * when the first 1,445 bytes have no binary data byte, else `application/octet-stream`; so is an empty body
 * text. The bytes are only read, so a view of guest memory will do.
 *
 * Where a plugin sends what its clients gave it, the type follows from their bytes, HTML included: such a
 * plugin has to say the type itself. `X-Content-Type-Options: nosniff` goes with this type, so that no browser
 * guesses a second time.
 *
 * Hot: one for each response without a type.
 */
export function contentTypeOf(body: Uint8Array): string {
  const end = Math.min(body.length, headerBytes);
  let start = 0;
  while (start < end && isBlank(body[start])) start++;
  const found =
    firstMatch(afterBlanksByByte[body[start] ?? 0] ?? none, { body, start, end }) ??
    firstMatch(atStartByByte[body[0] ?? 0] ?? none, { body, start: 0, end });
  if (found !== undefined) return found.type;
  if (isMp4(body, end)) return 'video/mp4';
  if (isWebm(body, end)) return 'video/webm';
  if (isMp3(body, end)) return 'audio/mpeg';
  for (let at = start; at < end; at++) {
    if (binary[body[at] ?? 0] === 1) {
      return matches(embeddedOpenType, { body, start: 0, end }) ? embeddedOpenType.type : unknown;
    }
  }
  return text;
}

/** The bytes of `body` from `start` to `end`. */
interface Range {
  readonly body: Uint8Array;
  readonly start: number;
  readonly end: number;
}

function firstMatch(rows: readonly Signature[], range: Range): Signature | undefined {
  for (const row of rows) if (matches(row, range)) return row;
  return undefined;
}

function matches({ pattern, mask, tag: isTag }: Signature, { body, start, end }: Range): boolean {
  const last = start + pattern.length;
  if (last + (isTag ? 1 : 0) > end) return false;
  for (let at = 0; at < pattern.length; at++) {
    if (((body[start + at] ?? 0) & (mask[at] ?? 0)) !== pattern[at]) return false;
  }
  return !isTag || body[last] === 0x20 || body[last] === 0x3e;
}

function isBlank(byte: number | undefined): boolean {
  return byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09 || byte === 0x0c;
}

/** The four bytes at `at` as a big-endian number; bytes behind the end count as 0. */
function uint32(body: Uint8Array, at: number): number {
  return (
    (((body[at] ?? 0) << 24) |
      ((body[at + 1] ?? 0) << 16) |
      ((body[at + 2] ?? 0) << 8) |
      (body[at + 3] ?? 0)) >>>
    0
  );
}

const ftyp = 0x66747970;
const webm = 0x7765626d;
/** `mp4` in the upper three bytes: the fourth is the brand's version. */
const mp4 = 0x6d7034;

/** A file type box whose major brand, or one of the compatible ones, is `mp4` and a version. */
function isMp4(body: Uint8Array, end: number): boolean {
  if (end < 12 || uint32(body, 4) !== ftyp) return false;
  const box = uint32(body, 0);
  if (box > end || box % 4 !== 0) return false;
  if (uint32(body, 8) >>> 8 === mp4) return true;
  // 12 to 15 are the minor version, not a brand.
  for (let at = 16; at < box; at += 4) if (uint32(body, at) >>> 8 === mp4) return true;
  return false;
}

const ebml = 0x1a45dfa3;
/** The EBML element that names the document type. */
const docType = 0x4282;

/** An EBML header whose document type, within the first 38 bytes, is `webm`, zero bytes before it ignored. */
function isWebm(body: Uint8Array, end: number): boolean {
  if (end < 8 || uint32(body, 0) !== ebml) return false;
  for (let at = 4; at < Math.min(end, 38); at++) {
    if (uint32(body, at) >>> 16 !== docType) continue;
    // The leading zero bits of its first byte say how many bytes the element's size has.
    let value = at + 2 + Math.clz32(body[at + 2] ?? 0) - 24 + 1;
    while (value < end && body[value] === 0) value++;
    if (value + 4 <= end && uint32(body, value) === webm) return true;
  }
  return false;
}

/** Kilobits a second by their index in the frame header, layer III; 0 where the header says nothing of use. */
const mpeg1Rates = [0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 0];
const mpeg2Rates = [0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160, 0];
const sampleRates = [44_100, 48_000, 32_000, 0];

/** Two MPEG audio frames of layer III, one behind the other. */
function isMp3(body: Uint8Array, end: number): boolean {
  if (body[0] !== 0xff) return false;
  const size = mp3FrameSize(body, 0);
  return size >= 4 && size + 4 <= end && mp3FrameSize(body, size) > 0;
}

/**
 * Bytes of the MPEG audio frame that begins at `at`, 0 when none does. The standard's text has the tables of
 * the versions the wrong way round and does not divide the sampling rate, by which no encoder's file would
 * match; this goes by ISO 11172-3 and 13818-3.
 */
function mp3FrameSize(body: Uint8Array, at: number): number {
  const sync = body[at + 1] ?? 0;
  const format = body[at + 2] ?? 0;
  const version = (sync >> 3) & 3;
  const isLayer3 = ((sync >> 1) & 3) === 1;
  if (body[at] !== 0xff || (sync & 0xe0) !== 0xe0 || version === 1 || !isLayer3) return 0;
  const isMpeg1 = version === 3;
  const bitRate = ((isMpeg1 ? mpeg1Rates : mpeg2Rates)[format >> 4] ?? 0) * 1000;
  const sampleRate = (sampleRates[(format >> 2) & 3] ?? 0) / (isMpeg1 ? 1 : version === 2 ? 2 : 4);
  if (bitRate === 0 || sampleRate === 0) return 0;
  const padding = (format >> 1) & 1;
  return Math.floor(((isMpeg1 ? 144 : 72) * bitRate) / sampleRate) + padding;
}
