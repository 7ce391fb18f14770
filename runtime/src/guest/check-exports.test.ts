import { suite, test } from 'node:test';
import assert from 'node:assert/strict';
import { wat } from '../../../test/support/wat.ts';
import { checkExports } from './check-exports.ts';
import { readModule } from './module.ts';

const required: Readonly<Record<string, string>> = {
  memory: '(memory (export "memory") 1)',
  pulp_alloc: '(func (export "pulp_alloc") (param i32) (result i32) i32.const 0)',
  pulp_init: '(func (export "pulp_init") (param i32 i32) (result i32) i32.const 0)',
  pulp_step: '(func (export "pulp_step") (param i32 i32) (result i32) i32.const 0)',
  pulp_shutdown: '(func (export "pulp_shutdown") (result i32) i32.const 0)',
};

async function check(replaced: Readonly<Record<string, string>> = {}): Promise<void> {
  const text = `(module ${Object.values({ ...required, ...replaced }).join('\n')})`;
  checkExports(readModule(await wat(text), { name: 'echo.wasm' }));
}

suite('checkExports', () => {
  test('a module with the required exports is a plugin', async () => {
    await check();
  });

  test('optional exports with their signatures are taken, the result of pulp_free whatever it is', async () => {
    await check({
      pulp_free: '(func (export "pulp_free") (param i32 i32))',
      _initialize: '(func (export "_initialize"))',
      _start: '(func (export "_start"))',
      pulp_on_call: `(func (export "pulp_on_call") (param i32 i32 i32 i32 i32 i32) (result i32) i32.const 0)`,
      pulp_init_error_ptr: '(func (export "pulp_init_error_ptr") (result i32) i32.const 0)',
      probe_last_call: '(func (export "probe_last_call") (result i64) i64.const 0)',
      other: '(func (export "other") (param f64))',
    });
    await check({ pulp_free: '(func (export "pulp_free") (param i32 i32) (result i32) i32.const 0)' });
  });

  test('all missing exports are named at once', async () => {
    await assert.rejects(check({ memory: '', pulp_init: '', pulp_shutdown: '' }), {
      code: 'missing-exports',
      message:
        'echo.wasm: this module is not a plugin: it does not export memory, pulp_init, pulp_shutdown, ' +
        'which every plugin must export',
    });
  });

  test('a wrong signature is named with what was expected and what is there', async () => {
    await assert.rejects(
      check({
        pulp_step: '(func (export "pulp_step") (param i32 i64) (result i32) i32.const 0)',
        pulp_free: '(func (export "pulp_free") (param i32))',
      }),
      {
        code: 'wrong-signature',
        message:
          'echo.wasm: this module is not a plugin: ' +
          'export pulp_step must be (i32, i32) -> (i32), but it is (i32, i64) -> (i32); ' +
          'export pulp_free must be (i32, i32) -> () or (i32, i32) -> (i32), but it is (i32) -> ()',
      },
    );
  });

  test('an export of the wrong kind is named', async () => {
    const global = '(global (export "pulp_init") i32 (i32.const 0))';
    await assert.rejects(check({ pulp_init: global }), {
      code: 'wrong-signature',
      message: /but it is a global/,
    });
    const memory = '(memory 1) (func (export "memory"))';
    await assert.rejects(check({ memory }), { code: 'wrong-signature', message: /memory must be a memory/ });
  });

  test('what is missing and what is wrong are said together', async () => {
    await assert.rejects(check({ pulp_init: '', pulp_shutdown: '(func (export "pulp_shutdown"))' }), {
      code: 'missing-exports',
      message: /does not export pulp_init.*pulp_shutdown must be \(\) -> \(i32\)/,
    });
  });

  test('shared and 64-bit memories are refused with what to build instead', async () => {
    await assert.rejects(check({ memory: '(memory (export "memory") 1 2 shared)' }), {
      code: 'memory',
      message: /its memory is shared; build it without threads/,
    });
    await assert.rejects(check({ memory: '(memory (export "memory") i64 1)' }), {
      code: 'memory',
      message: /its memory is 64-bit; build it for wasm32/,
    });
  });

  test('several memories are refused', async () => {
    const info = readModule(await wat(`(module ${Object.values(required).join('\n')})`), {
      name: 'echo.wasm',
    });
    const { memory } = info;
    assert.ok(memory);
    assert.throws(() => checkExports({ ...info, memories: [memory, memory] }), {
      code: 'memory',
      message: /it has 2 memories/,
    });
  });
});
