import * as fc from 'fast-check';

import { Extension } from './extension.ts';
import { Timestamp } from './timestamp.ts';
import type { Value } from './value.ts';

const leaf: fc.Arbitrary<Value> = fc.oneof(
  fc.constant(null),
  fc.boolean(),
  fc.bigInt({ min: -(2n ** 63n), max: 2n ** 64n - 1n }),
  fc.integer().map(BigInt),
  fc.double(),
  fc.string({ unit: 'grapheme', maxLength: 80 }),
  fc.constantFrom('__proto__', 'constructor', 'toString'),
  fc.uint8Array({ maxLength: 300 }),
  fc
    .tuple(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }), fc.nat(999_999_999))
    .map(([seconds, nanoseconds]) => new Timestamp(seconds, nanoseconds)),
  fc
    .tuple(
      fc.integer({ min: -128, max: 127 }).filter((type) => type !== -1),
      fc.uint8Array({ maxLength: 20 }),
    )
    .map(([type, data]) => new Extension(type, data)),
);

const { value: nested } = fc.letrec<{ value: Value }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 3, depthSize: 'small' },
    leaf,
    fc.array(tie('value'), { maxLength: 18 }),
    fc
      .array(fc.tuple(fc.oneof(fc.string(), fc.bigInt({ min: -9n, max: 9n })), tie('value')), {
        maxLength: 20,
      })
      .map((entries) => new Map<Value, Value>(entries)),
  ),
}));

/** Any value of the data model, for the tests of codecs: all kinds, all widths, nested a few levels deep. */
export const anyValue: fc.Arbitrary<Value> = nested;
