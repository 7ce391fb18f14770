import assert from 'node:assert/strict';
import { resolve } from 'node:path';
import { suite, test } from 'node:test';
import { ManifestError, type Problem } from './manifest-error.ts';
import { parseManifest } from './parse-manifest.ts';
import type { PluginSpec } from './plugin-spec.ts';

const capabilities = new Map(['transport.sse', 'storage.fs', 'demo.greet'].map((name) => [name, { name }]));
const minimal = 'name = "echo"\nversion = "0.1.0"\n';

function parse(text: string, file = 'plugins/echo/pulp.plugin.toml'): PluginSpec {
  return parseManifest(text, { file, capabilities });
}

function refusal(text: string): ManifestError {
  try {
    parse(text);
  } catch (error) {
    assert.ok(error instanceof ManifestError, String(error));
    return error;
  }
  throw new assert.AssertionError({ message: 'it was accepted' });
}

function problem(line: string): Problem {
  const [only, ...others] = refusal(minimal + line).problems;
  assert.ok(only !== undefined);
  assert.deepEqual(others, []);
  return only;
}

suite('parseManifest', () => {
  test('gives every default', () => {
    assert.deepEqual(parse(minimal), {
      name: 'echo',
      version: '0.1.0',
      wasm: resolve('plugins/echo/plugin.wasm'),
      provides: [],
      consumes: [],
      capabilities: [],
      sharedMemoryGroups: [],
      dependsOn: [],
      dedicatedThread: false,
      snapshotable: false,
      schemaVersion: 1,
      restart: 'on_crash',
      maxMemoryPages: 4096,
      callTimeoutMs: 30_000,
      tickIntervalMs: 10,
      eventPayload: 'embedded',
      config: new Uint8Array(),
      options: new Map(),
      file: 'plugins/echo/pulp.plugin.toml',
    });
  });

  test('reads every key', () => {
    const digest = 'AB'.repeat(32);
    const spec = parse(`${minimal}
      wasm = "build/echo.wasm"
      provides = ["a.Get", "a.Get", "a.Put"]
      consumes = ["b.List"]
      capabilities = [" Transport.SSE ", "transport.sse", "storage.fs"]
      shared_memory_groups = ["g", "g"]
      depends_on = ["b"]
      dedicated_thread = true
      snapshotable = true
      schema_version = 1
      restart = "never"
      max_memory_pages = 65_536
      call_timeout_ms = 1
      tick_interval_ms = 0
      wasm_sha256 = "${digest}"
      event_payload = "bin"
      federated_callers = ["x"]
      federated_consumes = []
      migratable = true
      [config]
      greeting = "hi"
      [config.__proto__]
      x = true`);
    assert.equal(spec.wasm, resolve('plugins/echo/build/echo.wasm'));
    assert.deepEqual(spec.provides, ['a.Get', 'a.Put']);
    assert.deepEqual(spec.consumes, ['b.List']);
    assert.deepEqual(spec.capabilities, ['transport.sse', 'storage.fs']);
    assert.deepEqual(spec.sharedMemoryGroups, ['g']);
    assert.deepEqual(spec.dependsOn, ['b']);
    assert.equal(spec.dedicatedThread && spec.snapshotable, true);
    assert.equal(spec.restart, 'never');
    assert.deepEqual([spec.maxMemoryPages, spec.callTimeoutMs, spec.tickIntervalMs], [65_536, 1, 0]);
    assert.equal(spec.wasmSha256, digest.toLowerCase());
    assert.equal(spec.eventPayload, 'bin');
    assert.equal(Buffer.from(spec.config).toString('latin1', 0, 10), '\x82\xa8greeting');
  });

  test('takes an absolute path of the module, and the default for an empty one', () => {
    const absolute = resolve('/opt/x.wasm');
    assert.equal(parse(`${minimal}wasm = '${absolute}'`).wasm, absolute);
    assert.equal(parse(`${minimal}wasm = ""`).wasm, resolve('plugins/echo/plugin.wasm'));
  });

  test('is frozen, its lists too', () => {
    const spec = parse(`${minimal}provides = ["a"]`);
    assert.ok(Object.isFrozen(spec));
    assert.ok(Object.isFrozen(spec.provides) && Object.isFrozen(spec.capabilities));
  });

  test('can be cloned into a thread', () => {
    const spec = parse(`${minimal}capabilities = ["storage.fs"]\n[config]\na = 1`);
    assert.deepEqual(structuredClone(spec), spec);
  });

  test('takes text with a byte order mark, and with CR LF', () => {
    assert.equal(parse(`\ufeff${minimal}`).name, 'echo');
    assert.equal(parse(minimal.replaceAll('\n', '\r\n')).name, 'echo');
  });

  test('reports all problems at once, unknown keys first', () => {
    const error = refusal('nmae = "echo"\nversion = 1\nrestart = "on-crash"\nzzz = 1');
    assert.equal(
      error.message,
      [
        'plugins/echo/pulp.plugin.toml: 5 problems',
        'nmae: unknown key (did you mean name?)',
        'zzz: unknown key',
        'name: missing; add name = "…"',
        'version: expected a string, found an integer',
        'restart: expected one of "on_crash", "never", "always", found "on-crash" (did you mean on_crash?)',
      ].join('\n  '),
    );
    assert.deepEqual(error.problems[0], { key: 'nmae', reason: 'unknown key', suggestion: 'name' });
  });

  for (const [line, key, reason] of [
    ['provides = "a"', 'provides', 'expected a list of strings, found a string'],
    ['consumes = ["a", 1]', 'consumes[1]', 'expected a string, found an integer'],
    ['capabilities = [""]', 'capabilities[0]', 'is blank'],
    ['shared_memory_groups = [[]]', 'shared_memory_groups[0]', 'expected a string, found a list'],
    ['dedicated_thread = 1', 'dedicated_thread', 'expected true or false, found an integer'],
    ['snapshotable = "true"', 'snapshotable', 'expected true or false, found a string'],
    ['migratable = 1.5', 'migratable', 'expected true or false, found a float'],
    ['federated_callers = "x"', 'federated_callers', 'expected a list, found a string'],
    ['federated_consumes = {}', 'federated_consumes', 'expected a list, found a table'],
    ['wasm = ["a"]', 'wasm', 'expected a string, found a list'],
    ['wasm = " "', 'wasm', 'is blank; leave it out for "plugin.wasm"'],
    [String.raw`wasm = "a\u0000b"`, 'wasm', 'must not have a NUL character in it'],
    ['schema_version = 2', 'schema_version', 'expected the integer 1, found 2'],
    ['schema_version = "1"', 'schema_version', 'expected the integer 1, found a string'],
    ['max_memory_pages = 0', 'max_memory_pages', 'expected an integer from 1 to 65536, found 0'],
    ['max_memory_pages = 65537', 'max_memory_pages', 'expected an integer from 1 to 65536, found 65537'],
    ['max_memory_pages = 1.0', 'max_memory_pages', 'expected an integer from 1 to 65536, found a float'],
    ['call_timeout_ms = 0', 'call_timeout_ms', 'expected an integer from 1 to 2147483647, found 0'],
    ['tick_interval_ms = -1', 'tick_interval_ms', 'expected an integer from 0 to 2147483647, found -1'],
    [
      `tick_interval_ms = ${'9'.repeat(100_000)}`,
      'tick_interval_ms',
      'expected an integer from 0 to 2147483647, found one beyond 64 bits',
    ],
    [
      'event_payload = 2026-01-01',
      'event_payload',
      'expected one of "embedded", "bin", found a date or time',
    ],
    ['wasm_sha256 = "abc"', 'wasm_sha256', 'expected 64 hexadecimal digits, found "abc"'],
    [
      `wasm_sha256 = "${'g'.repeat(64)}"`,
      'wasm_sha256',
      `expected 64 hexadecimal digits, found "${'g'.repeat(64)}"`,
    ],
    ['depends_on = ["echo"]', 'depends_on', '"echo" is the plugin itself'],
    ['depends_on = ["../x"]', 'depends_on', String.raw`"../x" must not have / or \ in it: it names a folder`],
    ['config = []', 'config', 'expected a table, found a list'],
    ['[[name2]]', 'name2', 'unknown key'],
    [String.raw`"\u001b[2J" = 1`, String.raw`"\x1b[2J"`, 'unknown key'],
    ['__proto__ = 1', '__proto__', 'unknown key'],
    ['toString = 1', 'toString', 'unknown key'],
  ] as const) {
    test(`refuses ${line.slice(0, 60)}`, () => {
      const found = problem(line);
      assert.equal(found.key, key);
      assert.equal(found.reason, reason);
    });
  }

  for (const [text, reason] of [
    ['version = "1"', 'missing; add name = "…"'],
    ['name = " "\nversion = "1"', 'is blank'],
    ['name = 5\nversion = "1"', 'expected a string, found an integer'],
    ['name = "../x"\nversion = "1"', String.raw`"../x" must not have / or \ in it: it names a folder`],
    ['name = "a"', 'missing; add version = "…"'],
    ['name = "a"\nversion = ""', 'is blank'],
  ] as const) {
    test(`refuses ${JSON.stringify(text)} alone`, () => {
      assert.deepEqual(
        refusal(text).problems.map((found) => found.reason),
        [reason],
      );
    });
  }

  test('names plugin and capability when the host lacks one, and lists what it has in order', () => {
    const found = problem('capabilities = ["storage.f"]');
    assert.equal(found.key, 'capabilities');
    assert.equal(
      found.reason,
      'plugin "echo" declares "storage.f", which this host does not have; it has: demo.greet, storage.fs, transport.sse',
    );
    assert.equal(found.suggestion, 'storage.fs');
  });

  test('never looks into the names below config', () => {
    assert.doesNotThrow(() => parse(`${minimal}[config]\nname = 1\ncapabilities = "x"`));
  });

  test('gives errors of syntax with line and column', () => {
    assert.match(
      refusal(`${minimal}wasm =`).message,
      /^plugins\/echo\/pulp\.plugin\.toml: line 3, column 7: /,
    );
  });

  test('holds out against very many unknown keys', { timeout: 60_000 }, () => {
    const keys = Array.from({ length: 60_000 }, (_, index) => `capabilities${index} = 1`);
    const error = refusal(
      minimal +
        keys
          .join('\n')
          .slice(0, 1_000_000)
          .replace(/\n[^\n]*$/, ''),
    );
    assert.ok(error.problems.length > 40_000);
    assert.ok(error.message.length < 10_000);
  });
});
