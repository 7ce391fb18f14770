import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import type { StandardSchemaV1 } from '@standard-schema/spec';
import { choice, count, flag, list, NotAnOption, table } from './option.ts';

/** What a schema makes of a value: the value, or where it is wrong and why. */
function read(schema: StandardSchemaV1, value?: unknown): unknown {
  const result = schema['~standard'].validate(value);
  assert.ok(!(result instanceof Promise));
  if (result.issues === undefined) return result.value;
  return result.issues.map(({ path = [], message }) => `${path.map(String).join('.')}: ${message}`);
}

function even(text: string): number {
  const number = Number(text);
  if (number % 2 !== 0) throw new NotAnOption('expected an even number');
  return number;
}

suite('options of capabilities', () => {
  test('a count is a whole number in its range, or its default', () => {
    const schema = count({ default: 5, min: 1, max: 10 });
    assert.deepEqual([read(schema), read(schema, 1), read(schema, 10)], [5, 1, 10]);
    for (const wrong of [0, 11, 1.5, '5', 5n, null, Number.NaN]) {
      assert.deepEqual(read(schema, wrong), [': expected a whole number from 1 to 10']);
    }
  });

  test('a flag is true or false', () => {
    const schema = flag({ default: true });
    assert.deepEqual([read(schema), read(schema, false)], [true, false]);
    assert.deepEqual(read(schema, 1), [': expected true or false']);
  });

  test('a choice is one of its words', () => {
    const schema = choice(['arrays', 'named'], { default: undefined });
    assert.deepEqual([read(schema), read(schema, 'named')], [undefined, 'named']);
    assert.deepEqual(read(schema, 'Named'), [': expected one of "arrays", "named"']);
    assert.equal(read(choice(['a', 'b'], { default: 'b' })), 'b');
  });

  test('a list says which of its entries is wrong', () => {
    const schema = list({ most: 3, entry: even });
    assert.deepEqual([read(schema), read(schema, []), read(schema, ['2', '4'])], [undefined, [], [2, 4]]);
    assert.deepEqual(read(schema, ['2', '3']), ['1: expected an even number']);
    assert.deepEqual(read(schema, ['2', 4]), ['1: expected a text']);
    assert.deepEqual(read(schema, '2'), [': expected a list of texts']);
    assert.deepEqual(read(schema, ['2', '2', '2', '2']), [': expected at most 3 entries']);
  });

  test('a table says which of its keys is wrong', () => {
    const schema = table((key, value) => {
      if (key === 'no') throw new NotAnOption('expected another key');
      return value;
    });
    assert.deepEqual(read(schema), undefined);
    assert.deepEqual(read(schema, { a: 1 }), new Map([['a', 1]]));
    assert.deepEqual(read(schema, { no: 1 }), ['no: expected another key']);
    for (const wrong of [1, null, []]) assert.deepEqual(read(schema, wrong), [': expected a table']);
  });

  test('what is no refusal is thrown on', () => {
    const fault = new Error('a fault');
    const broken = (): never => {
      throw fault;
    };
    assert.throws(() => read(list({ most: 1, entry: broken }), ['a']), fault);
    assert.throws(() => read(table(broken), { a: 1 }), fault);
  });
});
