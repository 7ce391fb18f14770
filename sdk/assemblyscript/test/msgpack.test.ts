import assert from 'node:assert/strict';
import { before, suite, test } from 'node:test';
import { decode, encode, type Encodable } from '../../../runtime/src/abi/msgpack/value.ts';
import { compile, Guest } from './harness.ts';

const source = `
import { Kind, MapView, Reader, Writer, log, onEvent, onTick } from "pulp-sdk-assemblyscript";

function hex(start: usize, size: usize): string {
  let text = "";
  for (let i: usize = 0; i < size; i++) text += load<u8>(start + i).toString(16).padStart(2, "0");
  return text;
}

onEvent("read", (event: MapView) => {
  log.info(event.kind("v").toString() + " " + event.i64("v", -7).toString() + " " + event.u64("v", 7).toString() + " "
    + event.f64("v", -7).toString() + " " + event.bool("v", true).toString() + " " + event.get("v", "fallback") + " "
    + event.bytes("v").length.toString() + " " + event.strings("v").length.toString() + " "
    + event.map("v").size.toString() + " " + event.map("v").get("k", "none"));
});

onEvent("replaced", (event: MapView) => { log.info("never"); });
onEvent("replaced", (event: MapView) => { log.info("second handler"); });

onTick(() => {
  const writer = new Writer();
  writer.array(13);
  writer.nil();
  writer.bool(true);
  writer.bool(false);
  writer.i64(-2);
  writer.u64(127);
  writer.u64(u64.MAX_VALUE);
  writer.f64(1.5);
  writer.str("grüße");
  writer.strBytes(memory.data<u8>([0xff, 0x61]), 2);
  writer.bin(memory.data<u8>([0, 1]), 2);
  writer.binText("ü");
  writer.map(1);
  writer.str("k");
  writer.array(17);
  for (let i = 0; i < 17; i++) writer.nil();
  writer.map(16);
  for (let i = 0; i < 16; i++) {
    writer.str(i.toString());
    writer.u64(i);
  }
  log.info(hex(writer.start, writer.size));
  const reader = new Reader(writer.start, writer.start + writer.size);
  const count = reader.array();
  for (let i: u32 = 0; i < count; i++) reader.skip();
  log.info((reader.ok && reader.at == reader.end).toString() + " " + (reader.peek() == Kind.None).toString());
  writer.release();
});
`;

/** What an event handler gets for a value, one word each: see the plugin. */
const wrong = {
  i64: '-7',
  u64: '7',
  f64: '-7.0',
  bool: 'true',
  text: 'fallback',
  bytes: '0',
  strings: '0',
  map: '0',
};

/** What the handler says of a value given as bytes. */
function read(guest: Guest, value: Uint8Array): string {
  guest.stdout = '';
  const head = Buffer.concat([
    Buffer.of(0x82),
    encode('kind'),
    encode('read'),
    encode('payload'),
    Buffer.of(0x81),
  ]);
  assert.equal(guest.step(Buffer.concat([head, encode('v'), value])), 0);
  return guest.stdout.trimEnd();
}

function expected(kind: number, fields: Partial<typeof wrong>): string {
  const { i64, u64, f64, bool, text, bytes, strings, map } = { ...wrong, ...fields };
  return `${kind} ${i64} ${u64} ${f64} ${bool} ${text} ${bytes} ${strings} ${map} none`;
}

suite('msgpack', () => {
  let plugin: WebAssembly.Module;
  before(async () => {
    plugin = await compile(source);
  });

  function start(): Guest {
    const guest = new Guest(plugin);
    assert.equal(guest.init(), 0);
    return guest;
  }

  test('integers of every width are read, and as floats too', () => {
    const guest = start();
    const cases: readonly [string, bigint][] = [
      ['00', 0n],
      ['7f', 127n],
      ['ff', -1n],
      ['e0', -32n],
      ['ccff', 255n],
      ['cdffff', 65_535n],
      ['ceffffffff', 4_294_967_295n],
      ['cf7fffffffffffffff', 2n ** 63n - 1n],
      ['d080', -128n],
      ['d18000', -32_768n],
      ['d280000000', -2_147_483_648n],
      ['d38000000000000000', -(2n ** 63n)],
    ];
    for (const [hex, value] of cases) {
      const [kind, i64, u64, f64] = read(guest, Buffer.from(hex, 'hex')).split(' ');
      assert.deepEqual([kind, i64, u64], ['3', String(value), String(BigInt.asUintN(64, value))], hex);
      assert.equal(Number(f64), Number(value), hex);
    }
    assert.equal(read(guest, Buffer.from('cfffffffffffffffff', 'hex')).split(' ')[2], '18446744073709551615');
  });

  test('every other kind is read as itself, and as nothing else', () => {
    const guest = start();
    const cases: readonly [Uint8Array, string][] = [
      [encode(null), expected(1, { text: '' })],
      [encode(false), expected(2, { bool: 'false' })],
      [encode(1.5), expected(4, { f64: '1.5' })],
      [Buffer.from('ca3fc00000', 'hex'), expected(4, { f64: '1.5' })],
      [encode('text'), expected(5, { text: 'text', bytes: '4' })],
      [encode(Buffer.from('bin')), expected(6, { text: 'bin', bytes: '3' })],
      [encode(['a', 'b']), expected(7, { strings: '2' })],
      [encode(['a', 1n]), expected(7, {})],
      [encode({ k: 'v', l: 1n }), expected(8, { map: '2' }).replace(/none$/, 'v')],
      [Buffer.from('d6ff00000000', 'hex'), expected(9, {})],
    ];
    for (const [value, words] of cases)
      assert.equal(read(guest, value), words, Buffer.from(value).toString('hex'));
  });

  test('what comes before a value is passed over whatever it is', () => {
    const guest = start();
    const passed: readonly Encodable[] = [
      null,
      true,
      1n,
      -1n,
      200n,
      -200n,
      70_000n,
      -70_000n,
      2n ** 40n,
      -(2n ** 40n),
      1.5,
      'x',
      'x'.repeat(40),
      'x'.repeat(300),
      'x'.repeat(70_000),
      new Uint8Array(3),
      new Uint8Array(300),
      new Uint8Array(70_000),
      [],
      {},
      Array.from({ length: 20 }, () => [1n, { a: [] }]),
      Object.fromEntries(Array.from({ length: 20 }, (_, i) => [`k${i}`, { deep: [i / 2] }])),
      new Date(1_000),
      new Date(1.5e12),
      new Date(-1),
    ];
    for (const [i, value] of passed.entries()) {
      guest.stdout = '';
      assert.equal(guest.event('read', { before: value, v: 'found' }), 0);
      assert.match(guest.stdout, / found 5 /, `value ${i}`);
    }
    const extensions = [
      'd400aa',
      'd500aabb',
      'd600' + '00'.repeat(4),
      'd700' + '00'.repeat(8),
      'd800' + '00'.repeat(16),
      'c70000',
      'c70300aabbcc',
      'c8000300aabbcc',
      'c90000000300aabbcc',
      'ca00000000',
      'dc000101',
      'dd0000000101',
      'de00010101',
      'df000000010101',
    ];
    for (const hex of extensions) {
      guest.stdout = '';
      const head = Buffer.concat([
        Buffer.of(0x82),
        encode('kind'),
        encode('read'),
        encode('payload'),
        Buffer.of(0x82),
      ]);
      const rest = [encode('before'), Buffer.from(hex, 'hex'), encode('v'), encode('found')];
      guest.step(Buffer.concat([head, ...rest]));
      assert.match(guest.stdout, / found 5 /, hex);
    }
  });

  test('the writer writes what a decoder reads back, and the reader passes over it', () => {
    const guest = start();
    guest.tick();
    const [hex = '', words] = guest.stdout.split('\n');
    const bytes = Buffer.from(hex, 'hex');
    // Text that is no UTF-8 is refused by the decoder; look for its bytes instead.
    assert(hex.includes('a2ff61'));
    const value = decode(Buffer.from(hex.replace('a2ff61', 'a2e161'.replace('e1', '62')), 'hex'));
    assert.equal(bytes.length * 2, hex.length);
    assert.deepEqual(value, [
      null,
      true,
      false,
      -2n,
      127n,
      2n ** 64n - 1n,
      1.5,
      'grüße',
      'ba',
      Uint8Array.of(0, 1),
      Uint8Array.from(Buffer.from('ü')),
      new Map([['k', Array.from({ length: 17 }, () => null)]]),
      new Map(Array.from({ length: 16 }, (_, i) => [String(i), BigInt(i)])),
    ]);
    assert.equal(words, 'true true');
  });

  test('a kind has one handler, the last; events of other kinds are passed over', () => {
    const guest = start();
    assert.equal(guest.event('replaced', {}), 0);
    assert.equal(guest.event('unknown', {}), 0);
    assert.equal(guest.stdout, 'second handler\n');
    assert.equal(guest.stderr, '');
  });
});
