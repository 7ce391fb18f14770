import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, suite, test } from 'node:test';
import { encode } from '../../../runtime/src/abi/msgpack/value.ts';
import { buildPlugins } from '../../../scripts/build-plugins.ts';
import { Guest, request, text } from './harness.ts';

const event = encode({
  kind: 'http.request',
  payload: {
    ...request,
    path: '/echo/hello',
    params: { msg: 'hello' },
    headers: { Accept: '*/*', 'User-Agent': 'x'.repeat(300) },
  },
});

/** The plugin must still do its work. */
function isWell(guest: Guest): void {
  guest.answers.length = 0;
  assert.equal(guest.step(event), 0);
  assert.equal(text(guest.answers[0]), 'hello');
}

/**
 * A loop that never ends would hang this file, not fail it: the runner's own time limit is what ends that.
 * None of these may trap either, since a trap costs the plugin its instance.
 */
suite('hostile events', () => {
  let plugin: WebAssembly.Module;
  before(async () => {
    await buildPlugins({ only: ['echo'] });
    plugin = new WebAssembly.Module(
      readFileSync(join(import.meta.dirname, '../../../plugins/echo/build/echo.wasm')),
    );
  });

  function start(): Guest {
    const guest = new Guest(plugin);
    assert.equal(guest.init(), 0);
    return guest;
  }

  test('an event cut off at any byte is refused without an answer', () => {
    const guest = start();
    for (let length = 1; length < event.length; length++) {
      guest.stderr = '';
      guest.step(event.subarray(0, length));
      assert.match(guest.stderr, /could not be decoded/, `${length} bytes`);
    }
    assert.equal(guest.answers.length, 0);
    isWell(guest);
  });

  const claims: readonly [string, string][] = [
    ['an array of four billion', 'ddffffffff'],
    ['a map of four billion', 'dfffffffff'],
    ['text of four gigabytes', 'dbffffffff'],
    ['bytes of four gigabytes', 'c6ffffffff'],
    ['an extension of four gigabytes', 'c9ffffffff01'],
    ['the byte that begins nothing', 'c1'],
    ['a billion arrays in arrays', 'dd3fffffff'.repeat(2_000)],
    ['nesting without end', '91'.repeat(200_000)],
    ['maps in maps without end', '81a161'.repeat(100_000)],
  ];
  for (const [name, hex] of claims) {
    test(`${name} harms nothing, at the top and in every field`, () => {
      const guest = start();
      const bytes = Buffer.from(hex, 'hex');
      guest.step(bytes);
      guest.step(
        Buffer.concat([Buffer.of(0x82), encode('kind'), encode('http.request'), encode('payload'), bytes]),
      );
      for (const field of Object.keys(request)) {
        const head = [Buffer.of(0x82), encode('kind'), encode('http.request'), encode('payload')];
        guest.step(Buffer.concat([...head, Buffer.of(0x82), encode('zzz'), bytes, encode(field), bytes]));
        guest.step(Buffer.concat([...head, Buffer.of(0x81), encode(field), bytes]));
      }
      assert.equal(guest.answers.length, 0);
      isWell(guest);
    });
  }

  test('an event with any one byte changed never traps', () => {
    const guest = start();
    const short = encode({
      kind: 'http.request',
      payload: { ...request, path: '/echo/x', params: { msg: 'x' } },
    });
    for (let i = 0; i < short.length; i++) {
      for (const value of [
        0x00, 0x7f, 0x80, 0x9f, 0xbf, 0xc0, 0xc1, 0xc6, 0xc9, 0xcf, 0xd9, 0xdb, 0xdd, 0xdf, 0xff,
      ]) {
        const changed = Uint8Array.from(short);
        changed[i] = value;
        guest.step(changed);
      }
    }
    isWell(guest);
  });

  test('random bytes never trap', () => {
    const guest = start();
    let seed = 1;
    const random = (): number => (seed = (Math.imul(seed, 1_103_515_245) + 12_345) >>> 0) >>> 16;
    for (let round = 0; round < 20_000; round++) {
      guest.step(Uint8Array.from({ length: random() % 60 }, () => random() & 0xff));
    }
    isWell(guest);
  });

  test('a field of another kind than the contract says is not taken for one', () => {
    const guest = start();
    for (const [field, value] of Object.entries({
      method: 1n,
      path: true,
      params: 'x',
      headers: [1n],
      body: 1.5,
    })) {
      guest.answers.length = 0;
      guest.event('http.request', { ...request, path: '/echo/x', [field]: value });
      const [answer] = guest.answers;
      if (answer !== undefined) assert.equal(answer.body.length, 0, field);
    }
    isWell(guest);
  });
});
