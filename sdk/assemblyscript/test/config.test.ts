import assert from 'node:assert/strict';
import { before, suite, test } from 'node:test';
import { encode, type Encodable } from '../../../runtime/src/abi/msgpack/value.ts';
import { Timestamp } from '../../../runtime/src/abi/msgpack/timestamp.ts';
import { compile, Guest } from './harness.ts';

const source = `
import { config, log, onInit, onTick } from "pulp-sdk-assemblyscript";

onInit(() => {
  const ask = config.string("ask");
  const key = config.string("key");
  if (ask == "string") log.info(config.string(key, "fallback"));
  else if (ask == "i64") log.info(config.i64(key, -1).toString());
  else if (ask == "f64") log.info(config.f64(key, -1.5).toString());
  else if (ask == "bool") log.info(config.bool(key, true).toString());
  else if (ask == "strings") log.info(config.strings(key).join("|"));
  else if (ask == "keys") log.info(config.keys(key).join("|"));
  else if (ask == "has") log.info(config.has(key).toString());
});
// The host frees the bytes it passed to pulp_init: what is read later must still be there.
onTick(() => { log.info(config.string("later")); });
`;

const early = `
import { config, log } from "pulp-sdk-assemblyscript";
log.info(config.string("key"));
`;

suite('config', () => {
  let plugin: WebAssembly.Module;
  before(async () => {
    plugin = await compile(source);
  });

  /** What the plugin gets when it asks for a key. */
  function ask(getter: string, key: string, value: { readonly [key: string]: Encodable }): string {
    const guest = new Guest(plugin);
    assert.equal(guest.init({ ask: getter, key, ...value }), 0);
    return guest.stdout.trimEnd();
  }

  test('gives strings, also outside ASCII and longer than any short form', () => {
    assert.equal(ask('string', 'a', { a: 'grüße 🍊' }), 'grüße 🍊');
    assert.equal(ask('string', 'a', { a: '' }), '');
    for (const length of [31, 32, 255, 256, 65_535, 65_536]) {
      assert.equal(ask('string', 'a', { a: 'x'.repeat(length) }), 'x'.repeat(length));
    }
  });

  test('gives integers to 64 bits', () => {
    for (const value of [0n, -1n, 424_242n, 2n ** 63n - 1n, -(2n ** 63n)]) {
      assert.equal(ask('i64', 'a', { a: value }), value.toString());
    }
  });

  test('gives floats, and an integer where a float is asked for', () => {
    assert.equal(ask('f64', 'a', { a: 1.25 }), '1.25');
    assert.equal(ask('f64', 'a', { a: 1 }), '1.0');
    assert.equal(ask('f64', 'a', { a: 7n }), '7.0');
    assert.equal(ask('f64', 'a', { a: -Infinity }), '-Infinity');
  });

  test('gives booleans and arrays of strings', () => {
    assert.equal(ask('bool', 'a', { a: false }), 'false');
    assert.equal(ask('strings', 'a', { a: ['x', '', 'ü'] }), 'x||ü');
  });

  test('gives the fallback for a key that is not there', () => {
    assert.equal(ask('string', 'a', {}), 'fallback');
    assert.equal(ask('i64', 'a.b', { a: {} }), '-1');
    assert.equal(ask('f64', 'a', {}), '-1.5');
    assert.equal(ask('bool', 'a', {}), 'true');
    assert.equal(ask('strings', 'a', {}), '');
  });

  test('reaches into tables by dots, and finds keys that have dots in themselves', () => {
    assert.equal(ask('i64', 'a.b.c', { a: { b: { c: 3n } } }), '3');
    assert.equal(ask('i64', 'a.b.c', { 'a.b.c': 4n }), '4');
    assert.equal(ask('i64', 'a.b.c', { a: { 'b.c': 5n } }), '5');
    assert.equal(ask('i64', 'a.b.c', { 'a.b': { c: 6n }, a: 1n }), '6');
    assert.equal(ask('keys', 'a', { a: { x: 1n, y: 2n } }), 'x|y');
    assert.equal(ask('keys', '', {}), 'ask|key');
  });

  test('knows whether a key is there', () => {
    assert.equal(ask('has', 'a.b', { a: { b: false } }), 'true');
    assert.equal(ask('has', 'a.c', { a: { b: false } }), 'false');
    assert.equal(ask('has', 'a.b.c', { a: { b: 'c' } }), 'false');
  });

  test('a value of another kind ends the plugin with a line that names key and kinds', () => {
    const cases: readonly [string, Encodable, string][] = [
      ['string', 1n, 'a string, not an integer'],
      ['i64', 1.5, 'an integer, not a float'],
      ['i64', 'x', 'an integer, not a string'],
      ['f64', true, 'a float, not a boolean'],
      ['bool', {}, 'a boolean, not a table'],
      ['strings', new Timestamp(1n, 0), 'an array, not a date and time'],
    ];
    for (const [getter, value, words] of cases) {
      const guest = new Guest(plugin);
      assert.throws(() => guest.init({ ask: getter, key: 't.a', t: { a: value } }), WebAssembly.RuntimeError);
      assert(
        guest.stderr.startsWith(`fatal: [config] t.a in the manifest must be ${words} at `),
        guest.stderr,
      );
    }
  });

  test('stays readable after init, when the host has freed its bytes', () => {
    const guest = new Guest(plugin);
    const bytes = encode({ later: 'still here' });
    const pointer = guest.place(bytes);
    guest.call('pulp_init', pointer, bytes.length);
    new Uint8Array(guest.memory.buffer).fill(0xff, pointer, pointer + bytes.length);
    guest.call('pulp_free', pointer, bytes.length);
    guest.tick();
    assert.equal(guest.stdout, 'still here\n');
  });

  test('read at the top level, it says where to read it', async () => {
    const module = await compile(early);
    const printed: string[] = [];
    assert.throws(() => new Guest(module, { print: (line) => printed.push(line) }), WebAssembly.RuntimeError);
    assert.match(printed.join(''), /config is known from onInit on: read key there/);
  });
});
