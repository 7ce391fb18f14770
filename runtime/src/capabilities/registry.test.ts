import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { builtinCapabilities, Registry } from './registry.ts';

/** The URL of a module with this text. */
function module(text: string): string {
  return `data:text/javascript,${encodeURIComponent(text)}`;
}

/** The URL of a module that brings a capability with these imports. */
function bringing(name: string, imports: readonly string[]): string {
  const entries = imports.map((entry) => `${entry}: { params: ['in'] }`).join(', ');
  return module(
    `export const capability = { name: '${name}', imports: { ${entries} }, guest: () => ({ functions: {} }) };`,
  );
}

suite('Registry', () => {
  test('has the built-in capabilities, and every import of the contract', async () => {
    const registry = await Registry.load();
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

  test('what can be declared has an end, and calls between plugins need no declaration', async () => {
    const none = module(`export const capability = { name: 'a.none', imports: {} };`);
    const registry = await Registry.load([...builtinCapabilities, none, bringing('a.some', [])]);
    const { declarable } = registry;
    assert.equal(declarable.has('transport.http.inbound'), true);
    assert.equal(declarable.has('a.some'), true);
    assert.equal(declarable.has('a.none'), false);
    assert.equal(declarable.has('pulp.call'), false);
  });

  test('channels are the declared capabilities in their order, then calls between plugins', async () => {
    const registry = await Registry.load([...builtinCapabilities, bringing('a.b', []), bringing('a.c', [])]);
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

  test('a module without a capability is refused with its URL', async () => {
    await assert.rejects(
      Registry.load([module('export const other = 1;')]),
      /^Error: data:text.* does not export a capability$/,
    );
    await assert.rejects(Registry.load([module(`throw new Error('it fails to load');`)]), /it fails to load/);
  });

  test('two capabilities of one name, or with one import, are refused with both names', async () => {
    await assert.rejects(
      Registry.load([bringing('a.b', ['x']), bringing('a.b', ['y'])]),
      /two modules bring the capability a\.b/,
    );
    await assert.rejects(
      Registry.load([bringing('a.b', ['x']), bringing('a.c', ['y', 'x'])]),
      /a\.c and a\.b both bring x/,
    );
    await assert.rejects(
      Registry.load([...builtinCapabilities, bringing('a.b', ['fs_read'])]),
      /a\.b and storage\.fs both bring fs_read/,
    );
  });
});
