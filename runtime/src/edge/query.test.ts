import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import * as fc from 'fast-check';
import { parseQuery } from './query.ts';

suite('parseQuery', () => {
  const cases: readonly (readonly [string, readonly string[]])[] = [
    ['', []],
    ['a=1&b=2', ['a', '1', 'b', '2']],
    ['a=1&a=2&b=3', ['a', '1', 'b', '3']],
    ['a', ['a', '']],
    ['a=', ['a', '']],
    ['=1', ['', '1']],
    ['=', ['', '']],
    ['&&a=1&&', ['a', '1']],
    ['a=1=2', ['a', '1=2']],
    ['a+b=c+d', ['a b', 'c d']],
    ['a=%2B+%2b', ['a', '+ +']],
    ['a=%26&b%3D=1', ['a', '&', 'b=', '1']],
    ['a=1;b=2', ['a', '1;b=2']],
    ['a=%C3%BC%FF%00', ['a', '\xc3\xbc\xff\0']],
    ['a=\xfc', ['a', '\xfc']],
    ['a=%zz&b=1', ['b', '1']],
    ['a=%zz&a=1', ['a', '1']],
    ['%=1&a%2=2&b=%&c=3', ['c', '3']],
    ['__proto__=1&constructor=2&__proto__=3', ['__proto__', '1', 'constructor', '2']],
    ['%61=1&a=2', ['a', '1']],
    ['A=1&a=2', ['A', '1', 'a', '2']],
  ];
  for (const [raw, expected] of cases) {
    test(`reads ${JSON.stringify(raw)}`, () => assert.deepEqual(parseQuery(raw), expected));
  }

  test('reads back any pairs that were encoded', () => {
    const bytes = fc.string({
      unit: fc.integer({ min: 0, max: 255 }).map((code) => String.fromCharCode(code)),
    });
    fc.assert(
      fc.property(fc.uniqueArray(fc.tuple(bytes, bytes), { selector: ([key]) => key }), (pairs) => {
        const raw = pairs.map((pair) => pair.map(encode).join('=')).join('&');
        assert.deepEqual(parseQuery(raw), pairs.flat());
      }),
    );
  });

  test('a query of many thousand pairs keeps the first of each', () => {
    const many = Array.from({ length: 30_000 }, (_, index) => `k${index % 20_000}=${index}`);
    const pairs = parseQuery(many.join('&'));
    assert.equal(pairs.length, 40_000);
    assert.deepEqual(pairs.slice(-2), ['k19999', '19999']);
  });
});

function encode(text: string): string {
  return text.replaceAll(/[^a-z]/g, (one) => `%${one.charCodeAt(0).toString(16).padStart(2, '0')}`);
}
