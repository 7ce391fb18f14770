import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { z } from 'zod';
import { defineCapability } from '../ext.ts';
import { faultOfCapability } from './check-capability.ts';

const good = {
  module: 'file:///ext/index.js',
  name: 'demo.greet',
  imports: { demo_greet: { params: ['in', 'u32'], optional: ['out'], waits: true } },
  events: ['demo.event'],
  options: { greeting: z.string() },
  stores: true,
  guest: () => ({ functions: {} }),
} as const;

suite('a capability that an extension exports', () => {
  test('is taken when it is what the types ask for', () => {
    assert.equal(faultOfCapability(good), undefined);
    assert.equal(faultOfCapability({ ...good, guest: undefined, edge: () => ({}), imports: {} }), undefined);
    const capability = defineCapability({
      module: import.meta.url,
      name: 'kv',
      imports: { kv_get: { params: ['in', 'out'] } },
      guest: () => ({ functions: { kv_get: (key) => key } }),
    });
    assert.equal(faultOfCapability(capability), undefined);
  });

  const wrong: readonly (readonly [what: string, value: unknown, fault: RegExp])[] = [
    ['that is nothing', undefined, /^a capability is an object, and this is not there$/],
    ['that is a function', () => good, /^a capability is an object, and this is function$/],
    ['that is null', null, /this is null$/],
    ['without a module', { ...good, module: undefined }, /`module: import\.meta\.url`/],
    ['with a path for a module', { ...good, module: '/ext/index.js' }, /`module: import\.meta\.url`/],
    ['without a name', { ...good, name: undefined }, /its `name` is not words in lower case/],
    ['with a name in capitals', { ...good, name: 'Demo' }, /its `name` is not words in lower case/],
    ['with an empty word', { ...good, name: 'demo..greet' }, /its `name` is not words in lower case/],
    [
      'named as a key of the manifest',
      { ...good, name: 'config.demo' },
      /"config" is a key of every manifest/,
    ],
    ['without imports', { ...good, imports: undefined }, /it has no `imports`/],
    ['with a list of imports', { ...good, imports: ['x'] }, /it has no `imports`/],
    ['with an import without params', { ...good, imports: { x: {} } }, /the import x has no list of params/],
    ['with an import that is null', { ...good, imports: { x: null } }, /the import x has no signature/],
    [
      'with a param of another kind',
      { ...good, imports: { x: { params: ['i32'] } } },
      /the parameter kind "i32"; there are in, in\?/,
    ],
    [
      'with two results',
      { ...good, imports: { x: { params: ['out'], optional: ['out'] } } },
      /more than one `out`/,
    ],
    [
      'with an import that waits perhaps',
      { ...good, imports: { x: { params: [], waits: false } } },
      /`waits`/,
    ],
    ['with an event without a name', { ...good, events: [''] }, /`events` are not a list of names/],
    [
      'with more events than fit',
      { ...good, events: Array.from({ length: 257 }, (_, at) => `e${at}`) },
      /257 kinds of events; at most 256/,
    ],
    [
      'with a schema for all options',
      { ...good, options: { greeting: { type: 'string' } } },
      /the option greeting has no schema/,
    ],
    ['that stores perhaps', { ...good, stores: 'yes' }, /`stores`/],
    ['with an end that is none', { ...good, edge: {} }, /its `edge` is not a function/],
    ['without ends', { ...good, guest: undefined }, /neither a guest end nor an edge end/],
    [
      'with functions that nobody has',
      { ...good, guest: undefined, edge: () => ({}) },
      /imports and no guest end/,
    ],
  ];
  for (const [what, value, fault] of wrong) {
    test(`${what} is refused`, () => {
      assert.match(faultOfCapability(value) ?? 'it is taken', fault);
    });
  }
});
