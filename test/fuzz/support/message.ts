/** MessagePack by chance: whole, nearly whole, or not at all, with the field names that the host looks for. */
import { array, bin, int, map, str } from '../../support/msgpack-bytes.ts';
import { mutate } from './mutate.ts';
import type { Random } from './random.ts';

/** Fields of all structs that guests send, with others that must mean nothing. */
const names = [
  'id',
  'status',
  'headers',
  'body',
  'cookies',
  'method',
  'path',
  'url',
  'timeout',
  'conn_id',
  'sub_id',
  'opcode',
  'payload',
  'code',
  'reason',
  'event',
  'data',
  'mode',
  'old',
  'new',
  'dir',
  'pattern',
  '__proto__',
  'constructor',
  'length',
  '',
];

const texts = [
  '',
  '/',
  '/a',
  '/a/:b',
  '/a/*',
  'GET',
  'post',
  ' PUT ',
  'a/b',
  '../x',
  'data.db',
  'tmp/',
  'x*y',
  '.',
  'http://fuzz.invalid/',
  'https://127.0.0.1/',
  'http://[::1]:1/',
  'file:///etc',
  'X-A',
  'Content-Type',
  'text/html',
  'a\r\nb',
  '\0',
  '\xff\xfe',
  '\xc3\xa9',
  '2026-01-02 03:04:05',
  '__proto__',
];

/** Headers that claim more than there can be, and other beginnings of what does not go on. */
const claims: readonly Buffer[] = [
  'c6ffffffff',
  'dbffffffff',
  'ddffffffff',
  'dfffffffff',
  'c9ffffffff05',
  'c1',
  'dfffff',
].map((hex) => Buffer.from(hex, 'hex'));

export function text(random: Random): string {
  if (random.oneIn(4)) return random.bytes(random.length(80)).toString('latin1');
  return random.pick(texts);
}

/** A value of any kind, a few levels deep. */
export function value(random: Random, depth = 3): Buffer {
  const items = <T>(make: () => T): T[] => Array.from({ length: random.length(20) }, make);
  switch (random.below(depth > 0 ? 14 : 10)) {
    case 0:
      return Buffer.from([random.pick([0xc0, 0xc2, 0xc3])]);
    case 1:
      return int(random.edge());
    case 2:
      return int(BigInt(random.bits()) * BigInt(random.bits()) * (random.oneIn(2) ? -1n : 1n));
    case 3:
      return Buffer.from([random.bits()]);
    case 4:
      return number(random);
    case 5:
      return bin(random.bytes(random.length(300)));
    case 6:
      return Buffer.concat([Buffer.from([0xc7, 12, 0xff]), random.bytes(12)]);
    case 7:
    case 8:
    case 9:
      return str(text(random));
    case 10:
    case 11:
      return array(items(() => value(random, depth - 1)));
    case 12:
      return Buffer.concat([
        Buffer.from([0xde, 0, 2]),
        ...Array.from({ length: 4 }, () => value(random, depth - 1)),
      ]);
    default:
      return map(items(() => [random.pick(names), value(random, depth - 1)] as const));
  }
}

/** A map that looks like a struct of the contract's. */
export function structure(random: Random): Buffer {
  return map(
    Array.from({ length: random.length(8) }, () => {
      const name = random.pick(names);
      return [name, random.oneIn(3) ? value(random) : likely(random, name)] as const;
    }),
  );
}

/** A message: mostly a struct, as it should be, damaged, or nothing of the kind. */
export function message(random: Random): Buffer {
  if (random.oneIn(16)) return random.bytes(random.length(200));
  if (random.oneIn(16)) return Buffer.concat([structure(random), random.pick(claims)]);
  if (random.oneIn(64)) return Buffer.alloc(20_000, random.pick([0x91, 0x81, 0x93, 0xdc]));
  const bytes = random.oneIn(4) ? value(random) : structure(random);
  return random.oneIn(2) ? mutate(random, bytes) : bytes;
}

/** What a field of that name has in it when all is well. */
function likely(random: Random, name: string): Buffer {
  switch (name) {
    case 'id':
    case 'conn_id':
    case 'sub_id':
    case 'opcode':
      return int(random.below(4));
    case 'status':
    case 'code':
      return int(random.pick([0, 99, 101, 200, 204, 500, 599, 600, 1000, 1001, 3000, 5000]));
    case 'mode':
    case 'timeout':
      return int(random.edge());
    case 'headers':
      return map(
        Array.from({ length: random.length(6) }, () => [text(random), headerValue(random)] as const),
      );
    case 'cookies':
      return array(Array.from({ length: random.length(4) }, () => str(text(random))));
    case 'body':
    case 'payload':
    case 'data':
      return bin(random.bytes(random.length(200)));
    default:
      return str(text(random));
  }
}

function headerValue(random: Random): Buffer {
  if (random.oneIn(4)) return array([str(text(random)), str(text(random))]);
  return str(text(random));
}

function number(random: Random): Buffer {
  const bytes = Buffer.alloc(9);
  bytes.writeUInt8(0xcb);
  bytes.writeDoubleBE(random.pick([0, -0, 1.5, Number.NaN, Number.POSITIVE_INFINITY, 1e300, -2]), 1);
  return bytes;
}
