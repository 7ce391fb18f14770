import assert from 'node:assert/strict';
import { truncate, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { suite, test, type TestContext } from 'node:test';
import { encodeUnsigned } from '../../runtime/src/guest/leb128.ts';
import { readSections, sectionId, writeSections } from '../../runtime/src/guest/sections.ts';
import { pluginFolder } from '../support/plugin-folder.ts';
import { PulpProcess, type PulpEnd } from '../support/pulp-process.ts';
import { watGuest } from '../support/wat-guest.ts';

const maxModuleBytes = 64 * 1024 * 1024;

/** Starts a host with a file of this many bytes, all but the first of them zero, as the module. */
async function startSized(t: TestContext, size: number): Promise<PulpEnd> {
  const manifest = await pluginFolder(t, {});
  const file = join(dirname(manifest), 'plugin.wasm');
  await writeFile(file, 'x');
  await truncate(file, size);
  return PulpProcess.run(t, { manifest });
}

/** A plugin whose first function has this many locals and nested ifs in place of what it did. */
async function withBomb(locals: number, ifs: number): Promise<Uint8Array> {
  const plugin = readSections(await watGuest({}), { name: 'guest' });
  const opened = Buffer.concat(Array.from({ length: ifs }, () => Uint8Array.of(0x41, 0, 0x04, 0x40)));
  const body = Buffer.concat([
    Uint8Array.of(1),
    encodeUnsigned(locals),
    Uint8Array.of(0x7f),
    opened,
    Buffer.alloc(ifs, 0x0b),
    Uint8Array.of(0x00, 0x0b),
  ]);
  return writeSections(
    plugin.map(({ id, content }) => {
      if (id !== sectionId.code) return { id, content };
      // These modules are small: the count of functions is one byte, the size of the first at most two.
      const [count = 0, low = 0, high = 0] = content;
      const [size, begin] = low < 0x80 ? [low, 2] : [(low & 0x7f) + high * 0x80, 3];
      const rest = content.subarray(begin + size);
      return { id, content: Buffer.concat([Uint8Array.of(count), encodeUnsigned(body.length), body, rest]) };
    }),
  );
}

suite('a module that would take too much is refused at the start, in one line', { concurrency: 2 }, () => {
  test('code that takes gigabytes to compile, which the engine alone would accept', async (t) => {
    const wasm = await withBomb(49_000, 20_000);
    assert.ok(WebAssembly.validate(wasm));
    const { code, stderr } = await PulpProcess.run(t, { manifest: await pluginFolder(t, { wasm }) });
    assert.equal(code, 1, stderr);
    assert.match(stderr, /^[^\n]+\n$/);
    assert.match(stderr, /plugin\.wasm: function \d+, .* MiB of memory to compile, more than 512: it has /);
  });

  test('one byte more than a module may have', async (t) => {
    const { code, stderr } = await startSized(t, maxModuleBytes + 1);
    assert.equal(code, 1, stderr);
    assert.match(
      stderr,
      /^[^\n]*67108865 bytes are too many for the module of plugin guest; at most 67108864 are read\n$/,
    );
  });

  test('a file of just as many bytes is read', async (t) => {
    const { code, stderr } = await startSized(t, maxModuleBytes);
    assert.equal(code, 1, stderr);
    assert.match(stderr, /^[^\n]*this is not a WebAssembly module[^\n]*\n$/);
  });
});
