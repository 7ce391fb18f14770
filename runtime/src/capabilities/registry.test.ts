import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import type { Capability } from '../ext.ts';
import { Registry } from './registry.ts';

/** An extension with these imports, and what else is given. */
function bringing(name: string, imports: readonly string[], rest: Partial<Capability> = {}): Capability {
  return {
    module: `file:///ext/${name}.js`,
    name,
    imports: Object.fromEntries(imports.map((entry) => [entry, { params: ['in'] }])),
    guest: () => ({ functions: {} }),
    ...rest,
  };
}

/** What the registry says to these extensions. */
function refused(...extensions: readonly Capability[]): string {
  try {
    return `not refused: ${new Registry(extensions).imports.size}`;
  } catch (error) {
    return (error as Error).message;
  }
}

suite('Registry', () => {
  test('has the built-in capabilities, and every import of the contract', () => {
    const registry = new Registry();
    assert.deepEqual([...registry.imports.keys()].toSorted(), [
      'fs_append',
      'fs_chmod',
      'fs_create_temp',
      'fs_delete',
      'fs_list',
      'fs_mkdir_all',
      'fs_mkdir_temp',
      'fs_read',
      'fs_remove_all',
      'fs_rename',
      'fs_stat',
      'fs_write',
      'http_fetch',
      'http_register',
      'http_respond',
      'pulp_call',
      'sqlite_error',
      'sqlite_exec',
      'sqlite_query',
      'sse_emit',
      'sse_register',
      'sse_send',
      'ws_close',
      'ws_register',
      'ws_send',
    ]);
    assert.equal(registry.imports.get('fs_read')?.capability, 'storage.fs');
    assert.deepEqual(registry.imports.get('sqlite_exec')?.signature, {
      params: ['in', 'in?'],
      optional: ['out'],
    });
    assert.equal(registry.imports.get('http_fetch')?.signature.waits, true);
  });

  test('what can be declared has an end, and calls between plugins need no declaration', () => {
    const { declarable } = new Registry([bringing('a.some', [])]);
    assert.equal(declarable.has('transport.http.inbound'), true);
    assert.equal(declarable.has('a.some'), true);
    assert.equal(declarable.has('pulp.call'), false);
  });

  test('channels are the declared capabilities in their order, then calls between plugins', () => {
    const registry = new Registry([bringing('a.b', []), bringing('a.c', [])]);
    const names = (declared: readonly string[]): string[] =>
      registry.channels(declared).map(({ name }) => name);
    assert.deepEqual(names(['a.c', 'transport.http.inbound', 'a.b']), [
      'a.c',
      'transport.http.inbound',
      'a.b',
      'pulp.call',
    ]);
    assert.deepEqual(names([]), ['pulp.call']);
    assert.throws(() => registry.channels(['a.d']), /this host does not have the capability a\.d/);
    assert.throws(() => registry.get('toString'), /does not have the capability toString/);
  });

  test('two extensions of one name, or with one import or event, are refused with both modules', () => {
    const one = bringing('a.b', ['x']);
    assert.equal(
      refused(one, bringing('a.b', ['y'], { module: 'file:///other.js' })),
      'two capabilities bring the capability a.b: a.b (file:///ext/a.b.js), and a.b (file:///other.js)',
    );
    assert.equal(
      refused(one, bringing('a.c', ['y', 'x'])),
      'two capabilities bring the import x: a.b (file:///ext/a.b.js), and a.c (file:///ext/a.c.js)',
    );
    assert.match(
      refused(bringing('a.b', ['fs_read'])),
      /^two capabilities bring the import fs_read: storage\.fs \(file:.*capability\.ts\), and a\.b \(file:\/\/\/ext\/a\.b\.js\)$/,
    );
    assert.match(
      refused(bringing('a.b', [], { events: ['ws.open'] })),
      /^two capabilities bring the event ws\.open: transport\.ws\.inbound .* and a\.b /,
    );
    assert.equal(refused(one, one), 'the extension a.b (file:///ext/a.b.js) is given twice');
    assert.match(refused(bringing('a.b', [], { events: ['x', 'x'] })), /has the event x twice/);
  });

  test('what is no capability is refused as it is named, or is not', () => {
    const wrong: readonly (readonly [unknown, RegExp])[] = [
      [
        null,
        /^the extension without a name \(of an unknown module\) cannot be used: a capability is an object/,
      ],
      [{ name: 'a.b' }, /^the extension a\.b \(of an unknown module\) cannot be used: its `module`/],
      [
        { name: Symbol('a.b'), module: 'file:///a.js' },
        /^the extension without a name \(file:\/\/\/a\.js\) cannot be used: its `name`/,
      ],
      [
        { module: Object.create(null) },
        /^the extension without a name \(of an unknown module\) cannot be used/,
      ],
    ];
    for (const [value, message] of wrong) {
      assert.throws(() => new Registry([value as Capability]), { message });
    }
  });

  test('an option at the place of the table of another one is refused', () => {
    const schema = {
      '~standard': { version: 1, vendor: 'test', validate: (value: unknown) => ({ value }) },
    } as const;
    const short = bringing('a', [], { options: { b: schema } });
    const long = bringing('a.b', []);
    for (const order of [
      [short, long],
      [long, short],
    ]) {
      assert.throws(() => new Registry(order), /two capabilities bring the manifest's table \[a\.b\]: a/);
    }
    assert.doesNotThrow(() => new Registry([short, bringing('a.c', [])]));
  });
});
