import { suite, test } from 'node:test';
import assert from 'node:assert/strict';
import { wat } from '../../../test/support/wat.ts';
import { compileModule } from './compile.ts';
import { ModuleError } from './module-error.ts';
import { sectionId, writeSections } from './sections.ts';

const name = 'echo.wasm';

/** A module with one function of no type to speak of, and this body. */
function withBody(...code: number[]): Uint8Array {
  return writeSections([
    { id: sectionId.type, content: Uint8Array.of(1, 0x60, 0, 0) },
    { id: sectionId.function, content: Uint8Array.of(1, 0) },
    { id: sectionId.code, content: Uint8Array.of(1, code.length + 2, 0, ...code, 0x0b) },
  ]);
}

async function refused(bytes: Uint8Array, code: string, message: RegExp): Promise<void> {
  await assert.rejects(compileModule(bytes, { name }), (error) => {
    assert.ok(error instanceof ModuleError);
    assert.equal(error.code, code);
    assert.match(error.message, message);
    assert.match(error.message, /^echo\.wasm: /);
    assert.ok(error.cause instanceof WebAssembly.CompileError);
    return true;
  });
}

suite('compileModule', () => {
  test('a valid module is compiled', async () => {
    const module = await compileModule(await wat('(module (func (export "f")))'), { name });
    assert.ok(module instanceof WebAssembly.Module);
  });

  test('a feature that the engine keeps behind a flag is named', async () => {
    await refused(withBody(0xe2, 0), 'feature', /uses stack switching, which this engine does not have/);
    await refused(withBody(0xfe, 0x04), 'feature', /shared-everything threads/);
  });

  test('a feature that the engine does not know is named where its number tells', async () => {
    await refused(withBody(0x42, 0, 0x42, 0, 0xfc, 0x15), 'feature', /wide arithmetic/);
    await refused(withBody(0xf1), 'feature', /an instruction that it does not know.*0xf1/);
    const pageSize = writeSections([{ id: sectionId.memory, content: Uint8Array.of(1, 8, 0, 0) }]);
    await refused(pageSize, 'feature', /custom page sizes/);
    await refused(writeSections([{ id: 99, content: Uint8Array.of(0) }]), 'feature', /kind of section/);
  });

  test("code that is wrong is refused with the engine's own words", async () => {
    await refused(withBody(0x1a), 'compile', /the engine refuses this module: .*drop/);
  });
});
