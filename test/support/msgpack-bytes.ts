/**
 * MessagePack written byte by byte, so that tests can give the host messages that no codec would write. Text
 * is binary strings: one UTF-16 unit a byte.
 */

/** A `str`. */
export function str(text: string): Buffer {
  return sized(Buffer.from(text, 'latin1'), { short: 0xa0, shortest: 32, one: 0xd9, two: 0xda, four: 0xdb });
}

/** A `bin`. */
export function bin(bytes: Uint8Array | string): Buffer {
  const body = typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : Buffer.from(bytes);
  return sized(body, { short: 0, shortest: 0, one: 0xc4, two: 0xc5, four: 0xc6 });
}

/** An integer of 64 bits, signed or not. */
export function int(value: number | bigint): Buffer {
  const bytes = Buffer.alloc(9);
  bytes.writeUInt8(value < 0 ? 0xd3 : 0xcf);
  bytes.writeBigUInt64BE(BigInt.asUintN(64, BigInt(value)), 1);
  return bytes;
}

/** A map. Values are bytes already; keys may come twice. */
export function map(pairs: readonly (readonly [key: string, value: Buffer])[]): Buffer {
  return Buffer.concat([mapHeader(pairs.length), ...pairs.flatMap(([key, value]) => [str(key), value])]);
}

/** The header of a map with so many pairs, whether they follow or not. */
export function mapHeader(size: number): Buffer {
  const bytes = Buffer.alloc(5);
  bytes.writeUInt8(0xdf);
  bytes.writeUInt32BE(size, 1);
  return bytes;
}

/** An array. */
export function array(items: readonly Buffer[]): Buffer {
  const bytes = Buffer.alloc(5);
  bytes.writeUInt8(0xdd);
  bytes.writeUInt32BE(items.length, 1);
  return Buffer.concat([bytes, ...items]);
}

interface Headers {
  readonly short: number;
  /** Below this length the header is one byte with the length in it. */
  readonly shortest: number;
  readonly one: number;
  readonly two: number;
  readonly four: number;
}

function sized(body: Buffer, { short, shortest, one, two, four }: Headers): Buffer {
  const { length } = body;
  if (length < shortest) return Buffer.concat([Buffer.from([short | length]), body]);
  if (length < 2 ** 8) return Buffer.concat([Buffer.from([one, length]), body]);
  if (length < 2 ** 16) return Buffer.concat([Buffer.from([two, length >> 8, length & 0xff]), body]);
  const head = Buffer.alloc(5);
  head.writeUInt8(four);
  head.writeUInt32BE(length, 1);
  return Buffer.concat([head, body]);
}
