import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { bound, type Bound, type HostImport } from './bound-guest.suite.ts';
import { guestText, pulpImport } from './guest-text.suite.ts';

suite('imports that cannot be bound', () => {
  const host: Readonly<Record<string, HostImport>> = {
    f: { params: ['in', 'out'], fn: () => undefined },
    g: { params: ['in', 'u64'], optional: ['f64'] },
  };
  const importing = (text: string): Promise<Bound> => bound(guestText({ imports: text }), { host });

  test('a function that no capability has is named, with those that there are', async () => {
    await assert.rejects(importing(pulpImport('teleport', 'i32')), {
      name: 'ModuleError',
      code: 'unknown-import',
      message:
        'guest.wasm: unknown import "pulp"."teleport": no capability of this host has it; those of "pulp" are f, g',
    });
  });

  test('a function of an extension that is not there is named with its package', async () => {
    await assert.rejects(importing(pulpImport('demo_greet', 'i32 i32')), {
      code: 'unknown-import',
      message:
        /"pulp"\."demo_greet": no capability of this host has it; .*; the extension pulp-ext-demo brings it: npm install pulp-ext-demo, then -ext pulp-ext-demo$/,
    });
  });

  test('a module that is not there is named, with a hint where one is known', async () => {
    for (const [module, name, hint] of [
      ['env', 'abort', /"env"\."abort": compile AssemblyScript with --use abort=/],
      ['env', 'malloc', /"env"\."malloc": a C or Rust module was linked with undefined symbols/],
      [
        'env',
        'Date.now',
        /"env"\."Date\.now": AssemblyScript takes that from a browser or Node\.js; .* wallTime\(\) for the time$/,
      ],
      ['wasi_unstable', 'fd_write', /only WASI preview 1 \(wasi_snapshot_preview1\) is there/],
      ['wasm:js-string', 'length', /an engine builtin/],
      ['go', 'debug', /only the modules "pulp" and "wasi_snapshot_preview1" are there/],
    ] as const) {
      await assert.rejects(importing(`(import "${module}" "${name}" (func))`), {
        code: 'unknown-import',
        message: hint,
      });
    }
  });

  test('what is no function is named with its kind', async () => {
    for (const [kind, text] of [
      ['global', '(global i32)'],
      ['table', '(table 1 funcref)'],
    ] as const) {
      await assert.rejects(importing(`(import "pulp" "f" ${text})`), {
        code: 'unknown-import',
        message: new RegExp(`"pulp"\\."f": the host gives functions only, not a ${kind}`),
      });
    }
  });

  test('another signature is named with the one that is expected, whether declared or not', async () => {
    await assert.rejects(importing('(import "pulp" "f" (func (param i32 i64)))'), {
      code: 'import-signature',
      message:
        'guest.wasm: import "pulp"."f" (test.declared) has the signature (i32, i64) -> (), expected (i32, i32, i32, i32) -> i32',
    });
    await assert.rejects(importing(pulpImport('g', 'i32 i32 i32')), {
      code: 'import-signature',
      message: /"g" \(test\.undeclared\).*expected \(i32, i32, i64\) -> i32 or \(i32, i32, i64, f64\) -> i32/,
    });
    await importing(pulpImport('g', 'i32 i32 i64'));
    await importing(pulpImport('g', 'i32 i32 i64 f64'));
  });
});
