import assert from 'node:assert/strict';
import { suite, test, type TestContext } from 'node:test';
import { pluginFolder } from '../support/plugin-folder.ts';
import { PulpProcess, type PulpEnd } from '../support/pulp-process.ts';
import { text, watGuest } from '../support/wat-guest.ts';
import { wat } from '../support/wat.ts';

/** Runs a plugin that cannot start. */
async function fails(t: TestContext, plugin: { wasm?: Uint8Array; manifest?: string }): Promise<PulpEnd> {
  return PulpProcess.run(t, { manifest: await pluginFolder(t, plugin) });
}

/** Asserts that stderr is one line with all of these in it, and the exit code 1. */
function assertOneLine({ code, stderr }: PulpEnd, ...parts: readonly (string | RegExp)[]): void {
  assert.equal(code, 1, stderr);
  assert.match(stderr, /^[^\n]+\n$/);
  for (const part of parts) {
    const found = typeof part === 'string' ? stderr.includes(part) : part.test(stderr);
    assert.ok(found, `${String(part)} is not in: ${stderr}`);
  }
}

const exports = `(memory (export "memory") 1)
  (func (export "pulp_alloc") (param i32) (result i32) (i32.const 0))
  (func (export "pulp_init") (param i32 i32) (result i32) (i32.const 0))
  (func (export "pulp_step") (param i32 i32) (result i32) (i32.const 0))`;
const shutdown = '(func (export "pulp_shutdown") (result i32) (i32.const 0))';

/** Adds a struct type behind the function types of a module's first section, so that their indices stay. */
function withStructType(sections: Uint8Array): Uint8Array {
  const [id = 0, size = 0, count = 0] = sections;
  const content = sections.subarray(3, 2 + size);
  return Buffer.concat([
    Uint8Array.of(id, size + 2, count + 1),
    content,
    Uint8Array.of(0x5f, 0),
    sections.subarray(2 + size),
  ]);
}

suite('a plugin that cannot be loaded is one line and exit code 1', { concurrency: 2 }, () => {
  test('a module that is not there', async (t) => {
    assertOneLine(await fails(t, {}), 'plugin.wasm', 'not there');
  });

  test('a manifest that is not there', async (t) => {
    assertOneLine(
      await PulpProcess.run(t, { manifest: '/nowhere/pulp.plugin.toml' }),
      '/nowhere/pulp.plugin.toml',
    );
  });

  test('a module that is no WebAssembly', async (t) => {
    const end = await fails(t, { wasm: Buffer.from('#!/bin/sh\necho no\n') });
    assertOneLine(end, 'plugin.wasm');
  });

  test('an empty module, one that is cut off, and a component', async (t) => {
    const whole = await wat(`(module ${exports} ${shutdown})`);
    const component = Uint8Array.of(0, 0x61, 0x73, 0x6d, 0x0d, 0, 1, 0);
    for (const wasm of [new Uint8Array(0), whole.subarray(0, whole.length - 10), component]) {
      assertOneLine(await fails(t, { wasm }), 'plugin.wasm');
    }
  });

  test('a module whose objects the host could not limit', async (t) => {
    const plugin = await wat(`(module ${exports} ${shutdown})`);
    // A type section in front: one struct without fields, and the types of the plugin behind it.
    const heap = Buffer.concat([plugin.subarray(0, 8), withStructType(plugin.subarray(8))]);
    assertOneLine(await fails(t, { wasm: heap }), 'plugin.wasm', 'struct or array types');
  });

  test('a module that is a device is not read', async (t) => {
    const manifest = 'wasm = "/dev/zero"\n';
    assertOneLine(await fails(t, { manifest }), '/dev/zero', 'not a regular file');
  });

  test('a module without one of the exports, which is named', async (t) => {
    const end = await fails(t, { wasm: await wat(`(module ${exports})`) });
    assertOneLine(end, 'plugin.wasm', 'pulp_shutdown');
    assert.ok(!end.stderr.includes('pulp_step'), 'only what is missing is named');
  });

  test('an export with another signature', async (t) => {
    const wrong = '(func (export "pulp_shutdown") (result i64) (i64.const 0))';
    assertOneLine(
      await fails(t, { wasm: await wat(`(module ${exports} ${wrong})`) }),
      'pulp_shutdown',
      'i64',
    );
  });

  test('an import that no capability has', async (t) => {
    const wasm = await wat(`(module (import "pulp" "teleport" (func (param i32))) ${exports} ${shutdown})`);
    assertOneLine(await fails(t, { wasm }), 'teleport');
  });

  test('an import from another module', async (t) => {
    const wasm = await wat(
      `(module (import "env" "abort" (func (param i32 i32 i32 i32))) ${exports} ${shutdown})`,
    );
    assertOneLine(await fails(t, { wasm }), 'env', 'abort');
  });

  test('an import with an arity that the host does not have', async (t) => {
    const wasm = await wat(
      `(module (import "pulp" "http_respond" (func (param i32) (result i32))) ${exports} ${shutdown})`,
    );
    assertOneLine(await fails(t, { wasm }), 'http_respond');
  });

  test('a capability that the host does not know: plugin and capability are named, and those there are', async (t) => {
    const wasm = await watGuest({});
    const end = await fails(t, {
      wasm,
      manifest: 'capabilities = ["transport.http.inbound", "time.travel"]',
    });
    assertOneLine(end, 'time.travel', 'transport.http.inbound');
    assert.match(end.stderr, /guest|pulp\.plugin\.toml/);
  });

  test('a checksum that is not the module’s', async (t) => {
    const manifest = `wasm_sha256 = "${'0'.repeat(64)}"`;
    assertOneLine(await fails(t, { wasm: await watGuest({}), manifest }), 'SHA-256', '0'.repeat(64));
  });

  test('a manifest that is no TOML, with its line', async (t) => {
    assertOneLine(
      await fails(t, { wasm: await watGuest({}), manifest: '= nothing' }),
      'pulp.plugin.toml',
      /\b3\b/,
    );
  });

  test('an unknown key, with the nearest known one', async (t) => {
    const end = await fails(t, { wasm: await watGuest({}), manifest: 'capabilites = []' });
    assertOneLine(end, 'capabilites', 'capabilities');
  });

  test('a pulp_init that refuses, with its code and what it printed', async (t) => {
    const wasm = await watGuest({ init: text('(return (i32.const 42))') });
    assertOneLine(await fails(t, { wasm, manifest: '' }), 'guest', '42');
  });
});

suite('what a guest is given without having declared it', () => {
  test('is bound to stubs: it starts, and what it did not declare answers 99', async (t) => {
    const wasm = await watGuest({
      imports: '(import "pulp" "http_fetch" (func $fetch (param i32 i32 i32 i32) (result i32)))',
      // As its own exit code, since it can say nothing else.
      shutdown: text('(return (call $fetch (i32.const 0) (i32.const 0) (i32.const -1) (i32.const -1)))'),
    });
    const manifest = await pluginFolder(t, { wasm, manifest: '' });
    const pulp = await PulpProcess.start(t, { manifest, listens: false });
    const end = await pulp.stop();
    assert.equal(end.code, 1);
    const { reason = '' } = await pulp.line('plugin did not shut down in order', { plugin: 'guest' });
    assert.match(reason, /\b99\b/);
  });
});

suite('usage errors are exit code 2', { concurrency: 2 }, () => {
  const cases: Readonly<Record<string, readonly string[]>> = {
    'an unknown flag': ['-teleport'],
    'a port that is none': ['-http-port=99999'],
    'a second plugin': ['run', 'a', 'b'],
  };
  for (const [name, args] of Object.entries(cases)) {
    test(`${name}, with usage on stderr`, async (t) => {
      const end = await PulpProcess.run(t, { manifest: '/nowhere', args });
      assert.equal(end.code, 2);
      assert.match(end.stderr, /usage/i);
      assert.deepEqual(end.lines, []);
    });
  }
});
