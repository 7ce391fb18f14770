import assert from 'node:assert/strict';
import { before, suite, test } from 'node:test';
import type { Encodable } from '../../../runtime/src/abi/msgpack/value.ts';
import type { HostAnswer } from './fake-host.ts';
import { compile, Guest, hostImports } from './harness.ts';

const source = `
import { hostResult, log, onEvent } from "pulp-sdk-assemblyscript";

@external("pulp", "demo_greet")
declare function demo_greet(name: usize, length: i32): u32;

@external("pulp", "demo_look_up")
declare function demo_look_up(name: usize, length: i32, pointerOut: usize, lengthOut: usize): u32;

function lookUp(name: string): u32 {
  const bytes = String.UTF8.encode(name);
  return demo_look_up(
    changetype<usize>(bytes),
    bytes.byteLength,
    hostResult.pointerOut(),
    hostResult.lengthOut(),
  );
}

onEvent("demo.greet", (event) => {
  const bytes = String.UTF8.encode(event.get("name"));
  log.info("code " + demo_greet(changetype<usize>(bytes), bytes.byteLength).toString());
});
onEvent("demo.text", (event) => {
  const code = lookUp(event.get("name"));
  log.info(code.toString() + " [" + hostResult.takeText() + "]");
});
onEvent("demo.bytes", (event) => {
  const code = lookUp(event.get("name"));
  const bytes = hostResult.take();
  // The block was given back: what comes next may lie in its place.
  lookUp("again");
  let sum = 0;
  for (let i = 0; i < bytes.length; i++) sum += bytes[i];
  log.info(code.toString() + " " + bytes.length.toString() + " " + sum.toString() + " " + hostResult.take().length.toString());
});
onEvent("demo.twice", (event) => {
  lookUp(event.get("name"));
  log.info(hostResult.takeText() + " [" + hostResult.takeText() + "]");
});
`;

/** What the plugin printed for an event. */
function said(guest: Guest, kind: string, payload: Encodable): string {
  guest.stdout = '';
  assert.equal(guest.event(kind, payload), 0);
  return guest.stdout.trimEnd();
}

suite('functions and events of extensions', () => {
  let plugin: WebAssembly.Module;
  before(async () => {
    plugin = await compile(source);
  });

  /** A plugin for whose calls `demo_look_up` answers that. */
  function looking(answer: (name: string) => HostAnswer): Guest {
    const guest = new Guest(plugin, {
      host: { demo_look_up: (name = new Uint8Array()) => answer(Buffer.from(name).toString()) },
    });
    guest.init();
    return guest;
  }

  test('what is declared is imported from pulp, and nothing else of it', () => {
    assert.deepEqual(hostImports(plugin), ['demo_greet', 'demo_look_up']);
  });

  test('bytes go to the host, and its code comes back', () => {
    const guest = new Guest(plugin, { host: { demo_greet: () => 42 } });
    guest.init();
    assert.equal(said(guest, 'demo.greet', { name: 'Zoë' }), 'code 42');
    assert.deepEqual(guest.host.texts('demo_greet'), ['Zoë']);
  });

  test('a result is taken as text or as bytes', () => {
    const guest = looking((name) => Buffer.from(`${name}: ü`));
    assert.equal(said(guest, 'demo.text', { name: 'a' }), '0 [a: ü]');
    const large = looking((name) => Buffer.alloc(name === 'again' ? 7 : 100_000, name === 'again' ? 9 : 1));
    assert.equal(said(large, 'demo.bytes', { name: 'a' }), '0 100000 100000 7');
  });

  test('there is none after a refusal, after an empty one, or when it was taken already', () => {
    const results: Record<string, HostAnswer> = {
      refused: 4,
      empty: new Uint8Array(0),
      some: Buffer.from('x'),
    };
    const guest = looking((name) => results[name]);
    assert.equal(said(guest, 'demo.text', { name: 'some' }), '0 [x]');
    assert.equal(said(guest, 'demo.text', { name: 'refused' }), '4 []');
    assert.equal(said(guest, 'demo.text', { name: 'empty' }), '0 []');
    assert.equal(said(guest, 'demo.twice', { name: 'some' }), 'x []');
  });

  test('what is not UTF-8 in a text becomes a replacement, and a result outside the memory is none', () => {
    const guest = looking((name) =>
      name === 'outside' ? { pointer: 0xffff_0000, length: 0x1_0000 } : Uint8Array.of(0x61, 0xff, 0x62),
    );
    assert.equal(said(guest, 'demo.text', { name: 'a' }), '0 [a\u{fffd}b]');
    assert.equal(said(guest, 'demo.text', { name: 'outside' }), '0 []');
  });

  test('results are given back: memory does not grow', () => {
    const guest = looking(() => new Uint8Array(60_000));
    guest.event('demo.text', { name: 'a' });
    for (let i = 0; i < 20; i++) guest.event('demo.text', { name: 'a' });
    const bytes = guest.memory.buffer.byteLength;
    for (let i = 0; i < 500; i++) guest.event('demo.text', { name: 'a' });
    assert.ok(
      guest.memory.buffer.byteLength <= 2 * bytes,
      `${bytes} grew to ${guest.memory.buffer.byteLength}`,
    );
  });
});
