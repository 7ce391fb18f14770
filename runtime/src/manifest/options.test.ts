import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import type { StandardSchemaV1 } from '@standard-schema/spec';
import { z } from 'zod';
import { ManifestError } from './manifest-error.ts';
import { parseManifest } from './parse-manifest.ts';
import type { PluginSpec } from './plugin-spec.ts';
import type { Declarable } from './option-tables.ts';

function schema(validate: StandardSchemaV1['~standard']['validate']): StandardSchemaV1 {
  return { '~standard': { version: 1, vendor: 'test', validate } };
}

/** Gives back what it was given. */
const anything = schema((value) => ({ value }));

const list: readonly Declarable[] = [
  { name: 'demo', options: { greeting: z.string().default('hello'), outbound: anything } },
  { name: 'demo.greet', options: { loud: z.boolean().default(false) } },
  { name: 'demo.outbound' },
  { name: 'storage.sqlite', options: { max_bytes: z.number().int().min(1).optional(), rows: anything } },
  { name: 'transport.http.outbound', options: { allowed_hosts: z.array(z.string()).default([]) } },
  { name: 'transport.sse' },
];

function parse(declared: readonly string[], text: string, more: readonly Declarable[] = []): PluginSpec {
  const capabilities = new Map([...list, ...more].map((capability) => [capability.name, capability]));
  const head = `name = "a"\nversion = "1"\ncapabilities = ${JSON.stringify(declared)}\n`;
  return parseManifest(head + text, { file: 'm.toml', capabilities });
}

function problems(...args: Parameters<typeof parse>): readonly string[] {
  try {
    parse(...args);
  } catch (error) {
    assert.ok(error instanceof ManifestError, String(error));
    return error.problems.map(({ key, reason, suggestion }) => `${key}: ${reason} | ${suggestion ?? ''}`);
  }
  return [];
}

/** An object without a prototype as one with, own keys kept. */
function plain(value: unknown): Record<string, unknown> {
  assert.ok(typeof value === 'object' && value !== null);
  return Object.fromEntries(Object.entries(value));
}

suite('capability options', () => {
  test('stand in the table of the dotted name', () => {
    const { options } = parse(
      ['transport.http.outbound', 'storage.sqlite'],
      '[transport.http.outbound]\nallowed_hosts = ["a.example"]\n[storage]\nsqlite = { max_bytes = 5 }',
    );
    assert.deepEqual(options.get('transport.http.outbound'), { allowed_hosts: ['a.example'] });
    assert.deepEqual(options.get('storage.sqlite'), { max_bytes: 5, rows: undefined });
  });

  test('have their defaults without a table, and without options none', () => {
    const { options } = parse(['transport.http.outbound', 'transport.sse'], '');
    assert.deepEqual(
      [...options],
      [
        ['transport.http.outbound', { allowed_hosts: [] }],
        ['transport.sse', {}],
      ],
    );
  });

  test('are kept for declared capabilities only', () => {
    assert.deepEqual([...parse([], '').options.keys()], []);
  });

  test('may stand beside those of a capability with a longer name', () => {
    const { options } = parse(['demo', 'demo.greet'], '[demo]\ngreeting = "hi"\n[demo.greet]\nloud = true');
    assert.deepEqual(options.get('demo'), { greeting: 'hi', outbound: undefined });
    assert.deepEqual(options.get('demo.greet'), { loud: true });
    assert.deepEqual(parse(['demo.greet'], '[demo.greet]\nloud = true').options.get('demo.greet'), {
      loud: true,
    });
  });

  test('win over the segment of a longer name', () => {
    const { options } = parse(['demo'], '[demo]\noutbound = { x = true }');
    assert.deepEqual(plain(options.get('demo')?.['outbound']), { x: true });
  });

  for (const [what, declared, text, expected] of [
    [
      'a misspelt key',
      ['transport.http.outbound'],
      '[transport.http.outbound]\nallowed_host = []',
      'transport.http.outbound.allowed_host: unknown key | allowed_hosts',
    ],
    [
      'a key of a capability without options',
      ['transport.sse'],
      '[transport.sse]\nx = 1',
      'transport.sse.x: unknown key; transport.sse has no options | ',
    ],
    [
      'a misspelt table',
      ['transport.http.outbound'],
      '[transport.http.outbund]\nallowed_hosts = []',
      'transport.http.outbund: unknown key: no capability has this name | transport.http.outbound',
    ],
    [
      'a table that no capability has',
      [],
      '[transport.foo]\nx = 1',
      'transport.foo: unknown key: no capability has this name | ',
    ],
    [
      'a table of half a name',
      [],
      '[transport.http]',
      'transport.http: unknown key: no capability has this name | ',
    ],
    [
      'a key in the table of half a name',
      [],
      '[transport]\nfoo = 1',
      'transport.foo: unknown key: no capability has this name | ',
    ],
    ['a misspelt first segment', [], '[transprot.sse]', 'transprot: unknown key | transport'],
    [
      'the table of an undeclared capability',
      [],
      '[storage.sqlite]\nmax_bytes = 5',
      'storage.sqlite: the capability is not declared; add "storage.sqlite" to capabilities, or remove its table | ',
    ],
    [
      'the empty table of an undeclared capability',
      [],
      '[storage.sqlite]',
      'storage.sqlite: the capability is not declared; add "storage.sqlite" to capabilities, or remove its table | ',
    ],
    [
      'keys of an undeclared capability around a declared one',
      ['demo.greet'],
      '[demo]\ngreeting = "hi"\n[demo.greet]',
      'demo: the capability is not declared; add "demo" to capabilities, or remove its table | ',
    ],
    [
      'something else than a table',
      ['transport.sse'],
      '[transport]\nsse = 5',
      'transport.sse: expected a table of capability options, found an integer | ',
    ],
    [
      'a list of tables',
      ['transport.sse'],
      '[[transport.sse]]',
      'transport.sse: expected a table of capability options, found a list | ',
    ],
    [
      'a name in quotes',
      ['transport.sse'],
      '["transport.sse"]',
      '"transport.sse": unknown key; write the table\'s name without quotes: [transport.sse] | ',
    ],
    [
      'a key of the manifest below a table',
      ['transport.sse'],
      '[transport.sse]\nprovides = []',
      'transport.sse.provides: unknown key; to set provides of the plugin, move it above the first [table] | ',
    ],
    [
      'a value that the schema refuses',
      ['storage.sqlite'],
      '[storage.sqlite]\nmax_bytes = "5"',
      'storage.sqlite.max_bytes: Invalid input: expected number, received string | ',
    ],
    [
      'an entry that the schema refuses',
      ['transport.http.outbound'],
      '[transport.http.outbound]\nallowed_hosts = ["a", 1]',
      'transport.http.outbound.allowed_hosts[1]: Invalid input: expected string, received number | ',
    ],
    [
      'an integer beyond 64 bits',
      ['storage.sqlite'],
      '[storage.sqlite]\nrows = [{ x = 9223372036854775808 }]',
      'storage.sqlite.rows[0].x: the integer does not fit into 64 bits | ',
    ],
    [
      '__proto__ as an option',
      ['storage.sqlite'],
      '[storage.sqlite]\n__proto__ = 1',
      'storage.sqlite.__proto__: unknown key | ',
    ],
  ] as const) {
    test(`refuse ${what}`, () => assert.deepEqual(problems(declared, text), [expected]));
  }

  test('of a capability that the host lacks are one problem, not two', () => {
    const found = problems(['transport.foo'], '[transport.foo]\nx = 1');
    assert.equal(found.length, 1);
    assert.match(found[0] ?? '', /^capabilities: plugin "a" declares "transport\.foo"/);
  });

  test('say which key is missing when the schema requires it', () => {
    const more = [{ name: 'x.y', options: { must: z.string() } }];
    assert.match(problems(['x.y'], '', more)[0] ?? '', /^x\.y\.must: /);
  });

  test('reach the schema as numbers where exact, dates, and plain values', () => {
    const text = [
      '[storage.sqlite.rows]',
      'safe = 9007199254740991',
      'big = 9007199254740993',
      'float = 1.5',
      'at = 2026-01-02T03:04:05.678+01:00',
      'day = 2026-01-02',
      'time = 07:30:00',
      'list = [1, "x", true]',
    ].join('\n');
    const rows = parse(['storage.sqlite'], text).options.get('storage.sqlite')?.['rows'];
    assert.deepEqual(plain(rows), {
      safe: 9_007_199_254_740_991,
      big: 9_007_199_254_740_993n,
      float: 1.5,
      at: new Date('2026-01-02T02:04:05.678Z'),
      day: new Date('2026-01-02T00:00:00Z'),
      time: '07:30:00',
      list: [1, 'x', true],
    });
  });

  test('never touch a prototype', () => {
    const text = '[storage.sqlite.rows.__proto__]\npolluted = true';
    const rows = parse(['storage.sqlite'], text).options.get('storage.sqlite')?.['rows'];
    assert.deepEqual(Object.keys(plain(rows)), ['__proto__']);
    assert.equal(({} as Record<string, unknown>)['polluted'], undefined);
  });

  test('are frozen all the way down', () => {
    const text = '[storage.sqlite]\nrows = [{ x = [1] }]';
    const options = parse(['storage.sqlite'], text).options.get('storage.sqlite');
    const rows = options?.['rows'];
    assert.ok(Array.isArray(rows) && Object.isFrozen(options) && Object.isFrozen(rows));
    const [row]: unknown[] = rows;
    assert.ok(Object.isFrozen(row) && Object.isFrozen(plain(row)['x']));
  });

  test('that no thread could be sent are a problem that names the capability', () => {
    const found = problems(['x.y'], '', [
      { name: 'x.y', options: { code: schema(() => ({ value: () => 1 })) } },
    ]);
    assert.deepEqual(found, [
      'x.y.code: the capability x.y is at fault: its schema gives what cannot be sent to a thread | ',
    ]);
  });

  test('whose schema answers late or throws are a problem that names the capability', () => {
    const late = schema(() => Promise.reject(new Error('late')));
    const broken = schema(() => {
      throw new Error('oops\u001b[2J');
    });
    const found = problems(['x.y'], '', [{ name: 'x.y', options: { late, broken } }]);
    assert.deepEqual(found, [
      'x.y.late: the capability x.y is at fault: its schema answers asynchronously | ',
      String.raw`x.y.broken: the capability x.y is at fault: its schema throws Error: oops\x1b[2J | `,
    ]);
  });
});
