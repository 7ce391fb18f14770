import { suite, test } from 'node:test';
import assert from 'node:assert/strict';
import { wat } from '../../../../test/support/wat.ts';
import { readModule } from '../module.ts';
import { checkWasiImports } from './signatures.ts';

async function check(imported: string): Promise<void> {
  checkWasiImports(readModule(await wat(`(module ${imported})`), { name: 'echo.wasm' }));
}

suite('checkWasiImports', () => {
  test('imports with the real signatures pass, those from elsewhere are not looked at', async () => {
    await check(`
      (import "wasi_snapshot_preview1" "clock_time_get" (func (param i32 i64 i32) (result i32)))
      (import "wasi_snapshot_preview1" "proc_exit" (func (param i32)))
      (import "env" "clock_time_get" (func))`);
  });

  test('a function that does not exist is named', async () => {
    for (const name of ['fd_dance', 'constructor']) {
      await assert.rejects(check(`(import "wasi_snapshot_preview1" "${name}" (func))`), {
        code: 'unknown-import',
        message: `echo.wasm: WASI preview 1 has no func ${name}`,
      });
    }
    await assert.rejects(check('(import "wasi_snapshot_preview1" "fd_read" (global i32))'), {
      code: 'unknown-import',
    });
  });

  test('a wrong signature is named with what it should be', async () => {
    await assert.rejects(
      check('(import "wasi_snapshot_preview1" "fd_close" (func (param i64) (result i32)))'),
      {
        code: 'import-signature',
        message:
          'echo.wasm: import wasi_snapshot_preview1.fd_close is (i64) -> (i32), ' +
          'but WASI preview 1 has it as (i32) -> (i32)',
      },
    );
    await assert.rejects(
      check('(import "wasi_snapshot_preview1" "proc_exit" (func (param i32) (result i32)))'),
      {
        code: 'import-signature',
      },
    );
  });
});
