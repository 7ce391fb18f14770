import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, suite, test } from 'node:test';
import { encode } from '../../../runtime/src/abi/msgpack/value.ts';
import { buildPlugins } from '../../../scripts/build-plugins.ts';
import { compile, envelope, Guest, request } from './harness.ts';

/** Makes many steps and gives the memory's size in bytes after a tenth of them, and after all. */
function grow(guest: Guest, step: Uint8Array, count: number): [number, number] {
  let early = 0;
  for (let i = 0; i < count; i++) {
    guest.pass('pulp_step', step);
    guest.answers.length = 0;
    if (i === count / 10) early = guest.memory.buffer.byteLength;
  }
  return [early, guest.memory.buffer.byteLength];
}

function start(module: WebAssembly.Module): Guest {
  const guest = new Guest(module);
  assert.equal(guest.init(), 0);
  return guest;
}

suite('memory', () => {
  let echo: WebAssembly.Module;
  before(async () => {
    await buildPlugins({ only: ['echo'] });
    echo = new WebAssembly.Module(
      readFileSync(join(import.meta.dirname, '../../../plugins/echo/build/echo.wasm')),
    );
  });

  test('does not grow over many small requests', () => {
    const payload = { ...request, path: '/echo/hello', params: { msg: 'hello' }, headers: { Accept: '*/*' } };
    const step = envelope(0n, 0n, encode({ kind: 'http.request', payload }));
    const [early, late] = grow(start(echo), step, 100_000);
    assert.equal(late, early);
    assert(late <= 4 * 65_536, `${late} bytes`);
  });

  test('does not grow over many large requests', () => {
    const body = new Uint8Array(1_000_000);
    const step = envelope(
      0n,
      0n,
      encode({ kind: 'http.request', payload: { ...request, method: 'POST', path: '/echo', body } }),
    );
    const [early, late] = grow(start(echo), step, 200);
    assert.equal(late, early);
    assert(late <= 16_000_000, `${late} bytes`);
  });

  test('does not grow over many ticks or broken events, and a handler may make garbage within one step', async () => {
    const guest = start(
      await compile(`
        import { log, onTick } from "pulp-sdk-assemblyscript";
        onTick(() => {
          let text = "";
          for (let i = 0; i < 20000; i++) text = i.toString() + text.substring(0, 1000);
          if (text.length == 0) log.info(text);
        });
      `),
    );
    const [early, late] = grow(guest, envelope(0n, 0n, new Uint8Array(0)), 20);
    assert.equal(late, early);
    assert(late <= 2_000_000, `${late} bytes, and one step makes 40 MB of garbage`);
    assert.deepEqual(grow(guest, envelope(0n, 0n, Uint8Array.of(0xc1)), 10_000), [late, late]);
  });
});
