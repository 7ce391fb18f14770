import { suite, test } from 'node:test';
import assert from 'node:assert/strict';
import * as fc from 'fast-check';
import { wat } from '../../../test/support/wat.ts';
import { limitMemory } from './limit-memory.ts';
import { ModuleError } from './module-error.ts';
import { readModule } from './module.ts';
import { sectionId, writeSections } from './sections.ts';

const name = 'echo.wasm';
const read = async (text: string) => readModule(await wat(text), { name });
const made = (...sections: [id: number, ...content: number[]][]) =>
  writeSections(sections.map(([id, ...content]) => ({ id, content: Uint8Array.from(content) })));
const ascii = (text: string): number[] => [text.length, ...new TextEncoder().encode(text)];

/** Reading these bytes fails for a feature that the message names. */
function feature(bytes: Uint8Array, message: RegExp): void {
  assert.throws(() => readModule(bytes, { name }), { code: 'feature', message });
}

suite('readModule', () => {
  test('imports are listed with their kinds, signatures and limits', async () => {
    const info = await read(`(module
      (import "pulp" "http_respond" (func (param i32 i32) (result i32)))
      (import "pulp" "odd" (func (param i64 f32 f64 v128 funcref externref) (result f64 i32)))
      (import "env" "memory" (memory 2 9))
      (import "env" "table" (table 3 funcref))
      (import "env" "global" (global (mut i64)))
      (import "env" "tag" (tag (param i32))))`);
    assert.deepEqual(info.imports, [
      { module: 'pulp', name: 'http_respond', kind: 'func', params: ['i32', 'i32'], results: ['i32'] },
      {
        module: 'pulp',
        name: 'odd',
        kind: 'func',
        params: ['i64', 'f32', 'f64', 'v128', 'funcref', 'externref'],
        results: ['f64', 'i32'],
      },
      {
        module: 'env',
        name: 'memory',
        kind: 'memory',
        limits: { min: 2, max: 9, shared: false, is64: false },
      },
      { module: 'env', name: 'table', kind: 'table', limits: { min: 3, shared: false, is64: false } },
      { module: 'env', name: 'global', kind: 'global' },
      { module: 'env', name: 'tag', kind: 'tag' },
    ]);
    assert.deepEqual(info.memory, { min: 2, max: 9, shared: false, is64: false, imported: true });
  });

  test('exports are listed with their signatures, imported functions counted first', async () => {
    const info = await read(`(module
      (import "a" "f" (func $f (param i64)))
      (func $g (result i32) i32.const 0)
      (memory 1) (global i32 (i32.const 0)) (table 1 funcref)
      (export "f" (func $f)) (export "g" (func $g)) (export "ü" (global 0)) (export "t" (table 0))
      (export "memory" (memory 0)))`);
    assert.deepEqual(info.exports, [
      { name: 'f', kind: 'func', params: ['i64'], results: [] },
      { name: 'g', kind: 'func', params: [], results: ['i32'] },
      { name: 'ü', kind: 'global' },
      { name: 't', kind: 'table' },
      { name: 'memory', kind: 'memory' },
    ]);
  });

  test('memories are described: limits, shared, 64-bit', async () => {
    assert.deepEqual((await read('(module (memory 3))')).memory, {
      min: 3,
      shared: false,
      is64: false,
      imported: false,
    });
    assert.deepEqual((await read('(module (memory 1 2 shared))')).memory, {
      min: 1,
      max: 2,
      shared: true,
      is64: false,
      imported: false,
    });
    assert.equal((await read('(module (memory i64 1))')).memory?.is64, true);
    assert.equal((await read('(module)')).memory, undefined);
    assert.equal(readModule(made([sectionId.memory, 2, 0, 1, 0, 1]), { name }).memories.length, 2);
  });

  test('a start section is seen', async () => {
    assert.equal((await read('(module (func $f) (start $f))')).start, true);
    assert.equal((await read('(module (func $f))')).start, false);
  });

  test('a module of the Go compiler is known by its build id or its producers', () => {
    const producers = (field: string, value: string) =>
      readModule(
        made([
          sectionId.custom,
          ...ascii('producers'),
          1,
          ...ascii(field),
          1,
          ...ascii(value),
          ...ascii('1'),
        ]),
        { name },
      ).goBuilt;
    assert.equal(readModule(made([sectionId.custom, ...ascii('go:buildid'), 1]), { name }).goBuilt, true);
    assert.equal(producers('language', 'Go'), true);
    assert.equal(producers('processed-by', 'Go cmd/compile'), true);
    assert.equal(producers('language', 'Rust'), false);
    assert.equal(producers('sdk', 'Go'), false);
    assert.equal(readModule(made([sectionId.custom, ...ascii('name'), 1]), { name }).goBuilt, false);
  });

  test('broken custom sections do not matter', () => {
    const broken = [sectionId.custom, ...ascii('producers'), 9, 0xff] as [number, ...number[]];
    assert.equal(readModule(made(broken, [sectionId.custom, 0xff]), { name }).goBuilt, false);
  });

  test('types of garbage collection are gone past, their indices counted', () => {
    const types = [
      [0x5f, 2, 0x78, 0, 0x64, 0x6b, 1], // struct of i8 and (mut (ref struct))
      [0x4e, 2, 0x50, 1, 0, 0x5e, 0x63, 0x00, 0, 0x4f, 0, 0x60, 1, 0x63, 0x00, 0], // array; func (ref null 0)
      [0x60, 0, 1, 0x6e], // func to anyref
      [0x60, 2, 0x7f, 0x7e, 1, 0x7d], // func i32 i64 to f32
    ];
    const bytes = made(
      [sectionId.type, types.length, ...types.flat()],
      [sectionId.import, 2, 0, 0, 0, 2, 0, 0, 0, 4],
    );
    assert.deepEqual(
      readModule(bytes, { name }).imports.map(({ params, results }) => [params, results]),
      [
        [['ref'], []],
        [['i32', 'i64'], ['f32']],
      ],
    );
  });

  test('counts that the bytes cannot hold are refused at once', () => {
    const huge = [0xff, 0xff, 0xff, 0xff, 0x0f];
    for (const id of [
      sectionId.type,
      sectionId.import,
      sectionId.function,
      sectionId.memory,
      sectionId.export,
    ]) {
      assert.throws(() => readModule(made([id, ...huge]), { name }), { name: 'ModuleError', code: 'limit' });
      assert.throws(() => readModule(made([id, 0x80, 0x08, 0]), { name }), { code: 'malformed' });
    }
  });

  test('indices that lead nowhere, bytes left over and names that are not UTF-8 are malformed', () => {
    const malformed = { name: 'ModuleError', code: 'malformed' };
    assert.throws(() => readModule(made([sectionId.import, 1, 0, 0, 0, 5]), { name }), malformed);
    assert.throws(() => readModule(made([sectionId.export, 1, 1, 0x66, 0, 5]), { name }), malformed);
    assert.throws(() => readModule(made([sectionId.memory, 1, 0, 1, 0]), { name }), malformed);
    assert.throws(() => readModule(made([sectionId.export, 1, 1, 0xff, 3, 0]), { name }), malformed);
  });

  test('a name that claims more bytes than its section has is never read short', () => {
    assert.throws(() => readModule(made([sectionId.export, 1, 9, 0x66, 0, 0]), { name }), {
      code: 'truncated',
    });
    const [, ...buildId] = ascii('go:buildid');
    assert.equal(readModule(made([sectionId.custom, 11, ...buildId]), { name }).goBuilt, false);
  });

  test('types and limits of unknown proposals are named', () => {
    feature(made([sectionId.type, 1, 0x5d, 0]), /stack switching/);
    feature(made([sectionId.type, 1, 0x20, 0]), /unknown type 0x20/);
    feature(made([sectionId.type, 1, 0x60, 1, 0x67, 0]), /reference-typed strings/);
    feature(made([sectionId.memory, 1, 8, 1, 0]), /page size/);
    feature(made([sectionId.import, 1, 0, 0, 0x20, 0]), /import of an unknown kind, 0x20/);
  });

  test('whatever the bytes are, the only error is a ModuleError', async () => {
    const bytes = await wat(`(module
      (import "pulp" "f" (func (param i32) (result i32))) (import "env" "m" (memory 1 2))
      (table 1 funcref) (func (export "g") (param i64)) (global (export "x") i32 (i32.const 1)))`);
    const change = fc.record({ at: fc.nat(bytes.length - 9), to: fc.integer({ min: 0, max: 255 }) });
    fc.assert(
      fc.property(fc.array(change, { minLength: 1, maxLength: 6 }), fc.nat(bytes.length), (changes, cut) => {
        const broken = Uint8Array.from(bytes);
        for (const { at, to } of changes) broken[8 + at] = to;
        for (const given of [broken, broken.subarray(0, cut)]) {
          for (const parse of [() => readModule(given, { name }), () => limitMemory(given, 4)]) {
            try {
              parse();
            } catch (error) {
              assert.ok(error instanceof ModuleError, String(error));
            }
          }
        }
      }),
      { numRuns: 2000 },
    );
  });
});
