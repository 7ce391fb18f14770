import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { ManifestError } from './manifest-error.ts';
import { isTime, maxManifestLength, maxNesting, parseToml } from './toml.ts';

function refusal(text: string): ManifestError {
  try {
    parseToml(text, 'm.toml');
  } catch (error) {
    assert.ok(error instanceof ManifestError, String(error));
    assert.equal(error.problems.length, 1);
    assert.equal(error.file, 'm.toml');
    return error;
  }
  throw new assert.AssertionError({ message: 'it was accepted' });
}

function nestedLists(depth: number): string {
  return `a = ${'['.repeat(depth)}${']'.repeat(depth)}`;
}

function nestedTables(depth: number): string {
  return `[a${'.a'.repeat(depth - 1)}]`;
}

suite('parseToml', () => {
  test('keeps integers and floats apart, and nanoseconds', () => {
    const { i, f, t } = parseToml('i = 1\nf = 1.0\nt = 2026-01-02T03:04:05.123456789Z', 'm.toml');
    assert.equal(i, 1n);
    assert.equal(f, 1);
    assert.ok(isTime(t) && t instanceof Temporal.ZonedDateTime);
    assert.equal(t.epochNanoseconds % 1_000_000_000n, 123_456_789n);
  });

  for (const [what, text, message] of [
    ['a value that is missing', 'a = 1\nb =\n', /^m\.toml: line 2, column 4: invalid value$/],
    ['a key given twice', 'a = 1\na = 2', /line 2, column 1: .*redefine/],
    ['a table given twice', '[a]\n[b]\n[a]', /line 3, column 2: .*redefine/],
    ['a table over a value', 'a = 1\n[a.b]', /line 2, .*redefine/],
    ['text without an end', "a = '''x", /line 1, column 5: unfinished string/],
    ['a day that does not exist', 'a = 2026-02-30', /line 1, column 5: .*day/],
    ['no TOML at all', '{"name": "echo"}', /line 1, column 1: /],
  ] as const) {
    test(`says in one line where there is ${what}`, () => {
      assert.match(refusal(text).message, message);
      assert.doesNotMatch(refusal(text).message, /\n/);
    });
  }

  test('keeps the parser’s error as the cause', () => assert.ok(refusal('=').cause instanceof Error));

  test('harms no terminal by what it quotes', () => {
    assert.doesNotMatch(refusal('a = 2026-01-01T00:\u001b[:00Z').message, /\p{Cc}/u);
  });

  for (const [what, bomb] of [
    ['lists', `a = ${'['.repeat(100_000)}`],
    ['closed lists', `a = ${'['.repeat(100_000)}${']'.repeat(100_000)}`],
    ['inline tables', `a = ${'{a='.repeat(100_000)}`],
    ['dotted keys', `a${'.a'.repeat(200_000)} = 1`],
    ['a table header', `[a${'.a'.repeat(200_000)}]`],
    ['tables in lists in dotted keys', `a${'.a'.repeat(40)} = ${'[{a='.repeat(20)}1${'}]'.repeat(20)}`],
  ] as const) {
    test(`refuses a nest of ${what}`, () => assert.match(refusal(bomb).message, /nested/));
  }

  test('takes as much nesting as it says and no more', () => {
    for (const nest of [nestedLists, nestedTables]) {
      assert.doesNotThrow(() => parseToml(nest(maxNesting), 'm.toml'));
      assert.match(refusal(nest(maxNesting + 1)).message, /nested/);
    }
  });

  test('takes text as long as it says and no longer', () => {
    const remark = '#'.repeat(maxManifestLength);
    assert.doesNotThrow(() => parseToml(remark, 'm.toml'));
    assert.match(refusal(`${remark}#`).message, /1048577 characters, the limit is 1048576/);
  });

  test('takes keys such as __proto__ as keys', () => {
    const table = parseToml('__proto__ = 1\nconstructor = 2\n[a.__proto__]\npolluted = true', 'm.toml');
    assert.deepEqual(Object.keys(table), ['__proto__', 'constructor', 'a']);
    assert.equal(({} as Record<string, unknown>)['polluted'], undefined);
  });
});
