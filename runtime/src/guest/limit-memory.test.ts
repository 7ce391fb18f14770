import { suite, test } from 'node:test';
import assert from 'node:assert/strict';
import { wat } from '../../../test/support/wat.ts';
import { limitMemory, maxTableElements, maxTables } from './limit-memory.ts';
import { readModule } from './module.ts';
import { sectionId, writeSections } from './sections.ts';

const name = 'echo.wasm';
const limited = async (text: string, pages: number) => limitMemory(await wat(text), pages, { name });
const limitsOf = (bytes: Uint8Array) =>
  readModule(bytes, { name }).memories.map(({ min, max }) => ({ min, max }));

suite('limitMemory', () => {
  test('a memory without a maximum gets one', async () => {
    assert.deepEqual(limitsOf(await limited('(module (memory 1))', 300)), [{ min: 1, max: 300 }]);
  });

  test('a table cannot grow beyond its limit, and one beyond it at the start is refused', async () => {
    const bytes = await limited(
      '(module (table $t 1 funcref) (func (export "grow") (param i32) (result i32) (table.grow $t (ref.null func) (local.get 0))))',
      300,
    );
    const { exports } = new WebAssembly.Instance(new WebAssembly.Module(bytes));
    const grow = exports['grow'] as (by: number) => number;
    assert.equal(grow(maxTableElements), -1);
    assert.equal(grow(maxTableElements - 1), 1);
    await assert.rejects(limited(`(module (table ${maxTableElements + 1} funcref))`, 300), { code: 'limit' });
    await assert.rejects(limited(`(module ${'(table 1 funcref)'.repeat(maxTables + 1)})`, 300), {
      code: 'limit',
    });
  });

  test('a higher maximum is lowered, a lower one is kept', async () => {
    assert.deepEqual(limitsOf(await limited('(module (memory 1 65536))', 300)), [{ min: 1, max: 300 }]);
    assert.deepEqual(limitsOf(await limited('(module (memory 1 20))', 300)), [{ min: 1, max: 20 }]);
  });

  test('a module that needs no change is given back as it is', async () => {
    const bytes = await wat('(module (memory 1 20))');
    assert.equal(limitMemory(bytes, 20), bytes);
    const none = await wat('(module (func (export "f")))');
    assert.equal(limitMemory(none, 20), none);
  });

  test('imported memories are limited, the imports around them kept', async () => {
    const text = `(module
      (import "a" "f" (func (param i32))) (import "env" "memory" (memory 2)) (import "a" "g" (global i32))
      (func (export "h") (call 0 (global.get 0))))`;
    const bytes = await limited(text, 200);
    const before = readModule(await wat(text), { name });
    const after = readModule(bytes, { name });
    assert.deepEqual(after.memories, [{ min: 2, max: 200, shared: false, is64: false, imported: true }]);
    assert.deepEqual(
      after.imports.filter(({ kind }) => kind !== 'memory'),
      before.imports.filter(({ kind }) => kind !== 'memory'),
    );
    assert.ok(WebAssembly.validate(bytes));
  });

  test('every memory of several is limited', () => {
    const bytes = writeSections([{ id: sectionId.memory, content: Uint8Array.of(3, 0, 1, 1, 2, 3, 0, 0) }]);
    assert.deepEqual(limitsOf(limitMemory(bytes, 10)), [
      { min: 1, max: 10 },
      { min: 2, max: 3 },
      { min: 0, max: 10 },
    ]);
  });

  test('tables keep their limits', async () => {
    const info = readModule(await limited('(module (import "a" "t" (table 500 funcref)) (memory 1))', 2), {
      name,
    });
    assert.deepEqual(info.imports[0]?.limits, { min: 500, shared: false, is64: false });
  });

  test('the engine then holds the guest to it', async () => {
    const bytes = await limited(
      '(module (memory (export "memory") 1) (func (export "grow") (param i32) (result i32) (memory.grow (local.get 0))))',
      3,
    );
    const { grow } = new WebAssembly.Instance(new WebAssembly.Module(bytes)).exports;
    assert.ok(typeof grow === 'function');
    assert.equal(Reflect.apply(grow, undefined, [2]), 1);
    assert.equal(Reflect.apply(grow, undefined, [1]), -1);
  });

  test('a minimum above the limit is refused with both numbers and the key to change', async () => {
    await assert.rejects(limited('(module (memory 300))', 256), {
      name: 'ModuleError',
      code: 'memory',
      message:
        /echo\.wasm: .*300 pages \(18\.75 MiB\).*max_memory_pages or -max-memory allows 256 pages \(16 MiB\)/,
    });
    assert.deepEqual(limitsOf(await limited('(module (memory 256))', 256)), [{ min: 256, max: 256 }]);
  });

  test('a limit above what can be addressed still gives a valid module', async () => {
    const bytes = await limited('(module (memory 1))', 100_000);
    assert.deepEqual(limitsOf(bytes), [{ min: 1, max: 65_536 }]);
    assert.ok(WebAssembly.validate(bytes));
  });
});
