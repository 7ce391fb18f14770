import { suite, test } from 'node:test';
import assert from 'node:assert/strict';
import { wat } from '../../../test/support/wat.ts';
import { checkCode } from './check-code.ts';
import { encodeUnsigned } from './leb128.ts';
import { ModuleError } from './module-error.ts';
import { sectionId, writeSections } from './sections.ts';

const name = 'echo.wasm';
const i32 = 0x7f;
const externref = 0x6f;

interface Body {
  /** Locals, all of one type. Default 0. */
  readonly locals?: number;
  readonly type?: number;
  /** Results of the function's own type, which is also the only one. Default 0. */
  readonly results?: number;
  readonly code: Uint8Array;
}

/** A module with two functions: an empty one, and one with this body. */
function moduleOf({ locals = 0, type = i32, results = 0, code }: Body): Uint8Array {
  const body = Buffer.concat([Uint8Array.of(1), encodeUnsigned(locals), Uint8Array.of(type), code, end]);
  const empty = Uint8Array.of(3, 0, 0x00, 0x0b);
  const list = Buffer.alloc(results, i32);
  return writeSections([
    {
      id: sectionId.type,
      content: Buffer.concat([Uint8Array.of(1, 0x60, 0), encodeUnsigned(results), list]),
    },
    { id: sectionId.function, content: Uint8Array.of(2, 0, 0) },
    {
      id: sectionId.code,
      content: Buffer.concat([Uint8Array.of(2), empty, encodeUnsigned(body.length), body]),
    },
  ]);
}

const end = Uint8Array.of(0x0b);

function times(count: number, ...bytes: number[]): Uint8Array {
  return Buffer.concat(Array.from({ length: count }, () => Uint8Array.from(bytes)));
}

const ifs = (count: number): Uint8Array =>
  Buffer.concat([times(count, 0x41, 0, 0x04, 0x40), times(count, 0x0b)]);

function refused(bytes: Uint8Array, ...says: readonly RegExp[]): void {
  assert.throws(
    () => checkCode(bytes, { name }),
    (error) => {
      assert.ok(error instanceof ModuleError, String(error));
      assert.equal(error.code, 'limit');
      for (const part of [/^echo\.wasm: /, ...says]) assert.match(error.message, part);
      return true;
    },
  );
}

suite('code that takes too much memory to compile is refused before the engine sees it', () => {
  test('many locals and many ifs, with the function and its figures', () => {
    refused(
      moduleOf({ locals: 50_000, code: ifs(20_000) }),
      /function 1, which ends at byte 100037,/,
      /would take about \d{5} MiB/,
      /more than 512/,
      /50000 locals/,
      /up to 20000 within one another/,
      /split it/,
    );
  });

  test('loops, blocks that are left, and catches', () => {
    for (const code of [
      times(2000, 0x03, 0x40, 0x0b),
      times(2000, 0x02, 0x40, 0x41, 0, 0x0d, 0, 0x0b),
      times(2000, 0x1f, 0x40, 1, 2, 0, 0x0b),
      times(2000, 0x06, 0x40, 0x19, 0x0b),
      Buffer.concat([Uint8Array.of(0x06, 0x40), times(2000, 0x10, 0), Uint8Array.of(0x0b)]),
      times(2000, 0xfb, 0x18, 0, 0, 0x6e, 0x6b),
    ]) {
      refused(moduleOf({ locals: 50_000, code }), /function 1/);
    }
  });

  test('a branch table, whose targets are places each', () => {
    const targets = 65_000;
    const code = Buffer.concat([
      Uint8Array.of(0x41, 0, 0x0e),
      encodeUnsigned(targets),
      Buffer.alloc(targets + 1),
    ]);
    refused(moduleOf({ locals: 1000, code }), /function 1/);
    assert.equal(checkCode(moduleOf({ locals: 3, code }), { name }), undefined);
  });

  test('operands count like locals, also those that calls give', () => {
    refused(moduleOf({ code: Buffer.concat([times(50_000, 0x41, 0), ifs(1000)]) }), /50001 operands/);
    refused(moduleOf({ results: 1000, code: times(20_000, 0x10, 0) }), /20000000 operands/);
  });

  test('locals that every block sets anew', () => {
    const sets = Buffer.concat(
      Array.from({ length: 4000 }, (_, index) =>
        Buffer.concat([Uint8Array.of(0x41, 1, 0x21), encodeUnsigned(index)]),
      ),
    );
    const code = Buffer.concat([times(1000, 0x02, 0x40), sets, times(1000, 0x0b)]);
    refused(moduleOf({ locals: 4000, code }), /function 1/);
    const unset = Buffer.concat([times(1000, 0x02, 0x40), times(1000, 0x0b)]);
    assert.equal(checkCode(moduleOf({ locals: 4000, code: unset }), { name }), undefined);
  });

  test('references, which are noted down at each call', () => {
    const code = times(100_000, 0x10, 0);
    assert.equal(checkCode(moduleOf({ locals: 50_000, code }), { name }), undefined);
    refused(moduleOf({ locals: 50_000, type: externref, code }), /function 1/);
  });

  test('very many calls alone', () => {
    refused(moduleOf({ code: times(1_000_000, 0x10, 0) }), /function 1/);
  });

  test('more locals than the engine takes', () => {
    refused(moduleOf({ locals: 50_001, code: new Uint8Array() }), /50001 locals, more than the 50000/);
    refused(moduleOf({ locals: 0xffff_ffff, code: new Uint8Array() }), /more than the 50000/);
  });
});

suite('checkCode', () => {
  test('a function as large as compilers make them is taken', () => {
    assert.equal(checkCode(moduleOf({ locals: 200, code: ifs(10_000) }), { name }), undefined);
    assert.equal(
      checkCode(moduleOf({ locals: 3, code: times(300_000, 0x41, 0, 0x1a) }), { name }),
      undefined,
    );
  });

  test('after a branch nothing is left on the stack of what was there', () => {
    // Each block would leave ten operands behind.
    const block = [0x02, 0x40, ...Array.from({ length: 10 }, () => [0x41, 0]).flat(), 0x0c, 0, 0x0b];
    assert.equal(checkCode(moduleOf({ code: times(20_000, ...block) }), { name }), undefined);
  });

  test('an instruction that is unknown here is told, for when the engine knows it', () => {
    const code = Buffer.concat([times(50_000, 0x01), Uint8Array.of(0xf1)]);
    const error = checkCode(moduleOf({ locals: 50_000, code }), { name });
    assert.ok(error instanceof ModuleError);
    assert.equal(error.code, 'feature');
    assert.match(error.message, /^echo\.wasm: function 1, .* not known here, 0xf1;/);
  });

  test('a bomb behind an instruction that is unknown to all is left to the engine', () => {
    const code = Buffer.concat([Uint8Array.of(0xf1), ifs(20_000)]);
    const bytes = moduleOf({ locals: 50_000, code });
    assert.equal(WebAssembly.validate(bytes), false);
    assert.equal(checkCode(bytes, { name })?.code, 'feature');
  });

  test('locals that are longer than their function are malformed', () => {
    const bytes = writeSections([
      { id: sectionId.type, content: Uint8Array.of(1, 0x60, 0, 0) },
      { id: sectionId.function, content: Uint8Array.of(1, 0) },
      { id: sectionId.code, content: Uint8Array.of(1, 2, 2, 1, i32, 1, i32, 0x0b) },
    ]);
    assert.throws(() => checkCode(bytes, { name }), /echo\.wasm: a function is shorter than its locals/);
  });

  test('a module without code is taken', async () => {
    assert.equal(checkCode(await wat('(module)'), { name }), undefined);
  });
});
