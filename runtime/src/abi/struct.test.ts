import assert from 'node:assert/strict';
import { suite, test } from 'node:test';

import * as fc from 'fast-check';

import { Failure } from './failure.ts';
import { type HeaderField, field, maxEntries } from './field.ts';
import { type Encodable, encode as encodeBuffer } from './msgpack/value.ts';
import { struct } from './struct.ts';

/** As plain bytes, which is what views of guest memory are. */
const encode = (value: Encodable): Uint8Array => new Uint8Array(encodeBuffer(value));

const decodeThing = struct(
  {
    id: field.uint(),
    level: field.int(7),
    name: field.text(),
    data: field.bytes(),
    headers: field.headers(),
    tags: field.texts(),
  },
  { name: 'thing', arrayLengths: [5, 6] },
);

const initial = { id: 0, level: 7, name: '', data: new Uint8Array(0), headers: [], tags: [] };

/** A map with its keys in this order; a key may come twice. */
function message(...entries: readonly (readonly [Encodable, Encodable])[]): Uint8Array {
  return Buffer.concat([
    encode(Object.fromEntries(entries.map((_, at) => [`k${at}`, null]))).subarray(0, 1),
    ...entries.flat().map((part) => encode(part)),
  ]);
}

function refuses(bytes: Uint8Array, reason: RegExp): void {
  assert.throws(
    () => decodeThing(bytes),
    (error) => {
      assert.ok(error instanceof Failure);
      assert.equal(error.code, 3);
      assert.match(error.message, reason);
      return true;
    },
  );
}

/** The bytes of a value of which only the head matters. */
const raw = (hex: string): Uint8Array => Buffer.from(hex.replaceAll(' ', ''), 'hex');

suite('struct', () => {
  test('reads all fields', () => {
    const decoded = decodeThing(
      encode({
        id: 5n,
        level: -3n,
        name: 'näme',
        data: Uint8Array.of(1, 2),
        headers: { A: 'b' },
        tags: ['x', 'y'],
      }),
    );
    assert.deepEqual(decoded, {
      id: 5,
      level: -3,
      name: 'n\xc3\xa4me',
      data: Uint8Array.of(1, 2),
      headers: [['A', ['b']]],
      tags: ['x', 'y'],
    });
  });

  test('gives missing fields their initial value', () => {
    assert.deepEqual(decodeThing(encode({})), initial);
    assert.deepEqual(decodeThing(encode({ id: 1n })), { ...initial, id: 1 });
  });

  test('takes nil for the initial value of every field', () => {
    const nils = Object.fromEntries(Object.keys(initial).map((key) => [key, null]));
    assert.deepEqual(decodeThing(encode(nils)), initial);
    assert.deepEqual(decodeThing(encode([null, null, null, null, null, null])), initial);
  });

  test('does not care for the order of keys', () => {
    const entries: [string, Encodable][] = [
      ['id', 1n],
      ['level', 2n],
      ['name', 'n'],
      ['tags', ['t']],
      ['headers', { h: 'v' }],
    ];
    const expected = { ...initial, id: 1, level: 2, name: 'n', tags: ['t'], headers: [['h', ['v']]] };
    fc.assert(
      fc.property(fc.shuffledSubarray(entries, { minLength: entries.length }), (shuffled) => {
        assert.deepEqual(decodeThing(message(...shuffled)), expected);
      }),
    );
  });

  test('skips unknown keys with whatever they hold', () => {
    assert.deepEqual(
      decodeThing(
        message(
          ['unknown', [1n, { deep: [new Date(0)] }]],
          ['id', 4n],
          ['__proto__', { id: 9n }],
          ['constructor', 'x'],
          ['nam', 'shorter'],
          ['names', 'longer'],
          ['Name', 'other case'],
          ['', null],
          ['name', 'n'],
        ),
      ),
      { ...initial, id: 4, name: 'n' },
    );
  });

  test('of a key given twice the last counts, also when it is nil', () => {
    assert.equal(decodeThing(message(['id', 4n], ['name', 'a'], ['id', 5n])).id, 5);
    assert.equal(decodeThing(message(['id', 4n], ['id', null])).id, 0);
    assert.deepEqual(decodeThing(message(['tags', ['a']], ['tags', ['b']])).tags, ['b']);
  });

  test('ignores bytes behind the message', () => {
    assert.equal(decodeThing(Buffer.concat([encode({ id: 4n }), raw('c1ff')])).id, 4);
  });

  test('takes an array with exactly as many values as were declared', () => {
    const values: Encodable[] = [4n, 5n, 'n', new Uint8Array(1), { a: 'b' }, ['t']];
    assert.equal(decodeThing(encode(values)).tags[0], 't');
    assert.deepEqual(decodeThing(encode(values.slice(0, 5))).tags, []);
    refuses(encode(values.slice(0, 4)), /^thing: expected an array of 5 or 6 values, found 4$/);
    refuses(encode([...values, null]), /found 7/);
    refuses(encode([]), /found 0/);
  });

  test('takes str for bin, bin for str, and keys that are bin', () => {
    const decoded = decodeThing(
      message(['name', Uint8Array.of(0xff, 0)], ['data', 'ab'], [Buffer.from('id'), 3n]),
    );
    assert.equal(decoded.name, '\xff\0');
    assert.deepEqual([...decoded.data], [0x61, 0x62]);
    assert.equal(decoded.id, 3);
  });

  test('gives bytes as a view of the input', () => {
    const memory = new Uint8Array(100);
    memory.set(encode({ data: Uint8Array.of(1, 2, 3) }), 50);
    const { data } = decodeThing(memory.subarray(50));
    assert.equal(data.buffer, memory.buffer);
    assert.deepEqual([...data], [1, 2, 3]);
  });

  test('takes integers of every width, negative ones kept, wide ones rounded', () => {
    for (const [hex, expected] of [
      ['cc05', 5],
      ['cd0005', 5],
      ['ce00000005', 5],
      ['cf0000000000000005', 5],
      ['d005', 5],
      ['d1fffb', -5],
      ['d2fffffffb', -5],
      ['d3fffffffffffffffb', -5],
      ['cfffffffffffffffff', 2 ** 64],
      ['d38000000000000000', -(2 ** 63)],
    ] as const) {
      assert.equal(decodeThing(raw(`81 a26964 ${hex}`)).id, expected, hex);
    }
  });

  test('refuses other kinds than the declared one, and names struct and field', () => {
    for (const value of [1.5, 1, true, '5', [5n], {}]) {
      refuses(encode({ id: value }), /^thing\.id: expected an integer at byte 4, found /);
    }
    for (const value of [5n, 1.5, true, [], {}]) {
      refuses(encode({ name: value }), /^thing\.name: expected a str or bin at byte 6, found /);
      refuses(encode({ data: value }), /^thing\.data: expected a str or bin/);
    }
    for (const value of [5n, 'a', true, []])
      refuses(encode({ headers: value }), /^thing\.headers: expected a map/);
    for (const value of [5n, 'a', true, {}])
      refuses(encode({ tags: value }), /^thing\.tags: expected an array/);
    refuses(encode({ tags: ['a', 5n] }), /^thing\.tags: expected a str or bin/);
    refuses(encode({ headers: { a: 5n } }), /^thing\.headers: expected a str or bin/);
    refuses(encode({ headers: { a: [['b']] } }), /^thing\.headers: expected a str or bin/);
    refuses(encode({ headers: new Map([[1n, 'b']]) }), /^thing\.headers: expected a str or bin/);
    refuses(encode({ headers: new Map([[null, 'b']]) }), /^thing\.headers: expected a str or bin/);
  });

  test('refuses keys that are no text', () => {
    for (const key of [1n, 1.5, true, null, ['id'], new Map()]) {
      refuses(message(['id', 1n], [key, 1n]), /^thing: expected a str or bin at byte 5/);
    }
  });

  test('refuses anything but a map or array at the top', () => {
    for (const value of [null, 1n, 1.5, true, 'id', new Uint8Array(3), new Date(0)]) {
      refuses(encode(value), /^thing: expected a map, found /);
    }
    refuses(raw('c1'), /^thing: expected a map, found invalid/);
    refuses(raw(''), /^thing: expected a value at byte 0/);
  });

  test('refuses a message cut at any byte', () => {
    const whole = encode({
      id: 300n,
      name: 'abc',
      headers: { a: ['b', 'c'] },
      tags: ['x'],
      other: [1n, { a: 1.5 }],
    });
    for (let size = 0; size < whole.length; size++) refuses(whole.subarray(0, size), /ends at byte/);
    assert.equal(decodeThing(whole).id, 300);
  });

  test('survives great counts, deep nests in unknown fields, and random bytes', () => {
    for (const head of ['df ffffffff', 'dd ffffffff', '81 a26964 df ffffffff', '81 a474616773 dd ffffffff']) {
      assert.throws(() => decodeThing(raw(`${head} c0`)), Failure);
    }
    const deep = Buffer.concat([raw('81 a3666f6f'), Buffer.alloc(100_000, 0x91), raw('c0')]);
    assert.deepEqual(decodeThing(deep), initial);
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 60 }),
        fc.constantFrom('81a26964', '81a468656164657273', '96', '82'),
        (tail, head) => {
          try {
            decodeThing(Buffer.concat([raw(head), tail]));
          } catch (error) {
            if (!(error instanceof Failure && error.code === 3)) throw error;
          }
        },
      ),
      { numRuns: 2000 },
    );
  });

  test('gives each message values of its own', () => {
    const first = decodeThing(encode({ id: 1n }));
    const second = decodeThing(encode({}));
    assert.equal(first.id, 1);
    assert.equal(second.id, 0);
    assert.notEqual(first, second);
  });
});

const headersOf = (headers: Encodable): readonly HeaderField[] => decodeThing(encode({ headers })).headers;

const many = (count: number): Encodable => new Map(Array.from({ length: count }, (_, at) => [`h${at}`, '']));

suite('header fields', () => {
  test('keep their order; a value is text, bytes, a list of these, or nil', () => {
    assert.deepEqual(
      headersOf(
        new Map<string, Encodable>([
          ['Z', 'text'],
          ['A', Uint8Array.of(0xe4)],
          ['Set-Cookie', ['a=1', 'b=2', null]],
          ['None', []],
          ['Nil', null],
        ]),
      ),
      [
        ['Z', ['text']],
        ['A', ['\xe4']],
        ['Set-Cookie', ['a=1', 'b=2', '']],
        ['None', []],
        ['Nil', ['']],
      ],
    );
  });

  test('carry bytes that are not UTF-8, and what HTTP forbids, as they are', () => {
    const decoded = decodeThing(raw('81 a768656164657273 81 a3 610d0a a5 ff00c328 0a'));
    assert.deepEqual(decoded.headers, [['a\r\n', ['\xff\0\xc3(\n']]]);
  });

  test('of a name given twice the last value counts, among few and among many', () => {
    for (const others of [0, 100]) {
      const entries = Array.from({ length: others }, (_, at) => [`x${at}`, 'v'] as const);
      const parts: Encodable[] = [...entries, ['a', '1'], ['A', 'other'], ['a', '2']].flat();
      const count = parts.length / 2;
      const bytes = Buffer.concat([
        raw('81 a768656164657273 de'),
        Uint8Array.of(count >> 8, count & 0xff),
        ...parts.map((part) => encode(part)),
      ]);
      const { headers } = decodeThing(bytes);
      assert.deepEqual(headers.slice(others), [
        ['a', ['2']],
        ['A', ['other']],
      ]);
      assert.equal(headers.length, others + 2);
    }
  });

  test('named after parts of a prototype are ordinary headers', () => {
    const names = ['__proto__', 'constructor', 'hasOwnProperty'];
    const headers = headersOf(new Map(names.map((name) => [name, 'v'])));
    assert.deepEqual(
      headers.map(([name]) => name),
      names,
    );
  });

  test('are read up to 65,536 and not beyond', () => {
    assert.equal(headersOf(many(40_000)).length, 40_000);
    assert.equal(headersOf(many(maxEntries)).length, maxEntries);
    refuses(encode({ headers: many(maxEntries + 1) }), /65537 entries .* at most 65536/);
    refuses(encode({ tags: Array.from({ length: maxEntries + 1 }, () => '') }), /at most 65536/);
  });
});
