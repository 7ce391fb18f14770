import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { decode } from '../abi/msgpack/value.ts';
import { Timestamp } from '../abi/msgpack/timestamp.ts';
import { encodeConfig } from './config.ts';
import { ProblemList } from './manifest-error.ts';
import { parseToml } from './toml.ts';

function encoded(text: string): Uint8Array {
  const problems = new ProblemList();
  const bytes = encodeConfig(parseToml(text, 'm.toml')['config'], problems);
  assert.deepEqual(problems.all, []);
  return bytes;
}

function hex(text: string): string {
  return Buffer.from(encoded(`[config]\n${text}`)).toString('hex');
}

function problemsOf(text: string): readonly (readonly [string, string])[] {
  const problems = new ProblemList();
  assert.equal(encodeConfig(parseToml(text, 'm.toml')['config'], problems).length, 0);
  return problems.all.map(({ key, reason }) => [key, reason]);
}

suite('encodeConfig', () => {
  test('gives no bytes without a table, and for an empty one', () => {
    assert.equal(encoded('name = "a"').length, 0);
    assert.equal(encoded('[config]').length, 0);
    assert.equal(encoded('config = {}').length, 0);
  });

  for (const [what, text, expected] of [
    ['a small integer as int64', 'a = 1', '81a161d30000000000000001'],
    ['a negative integer as int64', 'a = -1', '81a161d3ffffffffffffffff'],
    ['the largest integer', 'a = 9223372036854775807', '81a161d37fffffffffffffff'],
    ['the smallest integer', 'a = -9223372036854775808', '81a161d38000000000000000'],
    ['a whole float as float64', 'a = 1.0', '81a161cb3ff0000000000000'],
    ['negative zero', 'a = -0.0', '81a161cb8000000000000000'],
    ['infinity', 'a = inf', '81a161cb7ff0000000000000'],
    ['text', 'a = "é"', '81a161a2c3a9'],
    ['booleans', 'a = [true, false]', '81a16192c3c2'],
    ['a nested table', '[config.a]\nb = {}', '81a16181a16280'],
    ['an array of tables', '[[config.a]]\nb = true\n[[config.a]]', '81a1619281a162c380'],
    ['an offset datetime as timestamp', 'a = 1970-01-01T01:00:01+01:00', '81a161d6ff00000001'],
    ['a local datetime as UTC', 'a = 1970-01-01T00:00:01', '81a161d6ff00000001'],
    ['a local date as its midnight in UTC', 'a = 1970-01-02', '81a161d6ff00015180'],
  ] as const) {
    test(`writes ${what}`, () => assert.equal(hex(text), expected));
  }

  test('keeps nanoseconds, also before 1970', () => {
    const value = decode(encoded('[config]\na = 1969-12-31T23:59:59.000000001Z\nb = 2026-01-01 00:00:00.5'));
    assert.ok(value instanceof Map);
    assert.deepEqual(value.get('a'), new Timestamp(-1n, 1));
    assert.deepEqual(value.get('b'), new Timestamp(1_767_225_600n, 500_000_000));
  });

  test('keeps the order of the file', () => {
    const value = decode(encoded('[config]\nz = 1\na = 2\nm = 3'));
    assert.ok(value instanceof Map);
    assert.deepEqual([...value.keys()], ['z', 'a', 'm']);
  });

  test('takes __proto__ as a key', () => {
    assert.equal(hex('__proto__ = true'), '81a95f5f70726f746f5f5fc3');
  });

  test('has its bytes in a buffer of their own', () => {
    const bytes = encoded('[config]\na = 1');
    assert.equal(bytes.buffer.byteLength, bytes.length);
  });

  test('refuses times without a date and integers beyond 64 bits, each by its key', () => {
    const text = `[config]\nat = 07:30:00\nbig = 9223372036854775808\nlist = [1, [-9223372036854775809]]\n[config.x]\n"y z" = 01:00:00`;
    const found = problemsOf(text);
    assert.deepEqual(
      found.map(([key]) => key),
      ['config.at', 'config.big', 'config.list[1][0]', 'config.x."y z"'],
    );
    assert.match(found[0]?.[1] ?? '', /time needs a date/);
    assert.match(found[1]?.[1] ?? '', /64 bits/);
  });

  test('refuses anything but a table', () => {
    assert.deepEqual(problemsOf('config = 1'), [['config', 'expected a table, found an integer']]);
    assert.deepEqual(problemsOf('[[config]]'), [['config', 'expected a table, found a list']]);
  });

  test('takes as much nesting as a manifest may have', () => {
    assert.notEqual(encoded(`[config${'.a'.repeat(63)}]`).length, 0);
  });
});
