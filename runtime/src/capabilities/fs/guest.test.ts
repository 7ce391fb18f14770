import assert from 'node:assert/strict';
import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { suite, test, type TestContext } from 'node:test';
import type { StandardSchemaV1 } from '@standard-schema/spec';
import { guestContext, silent } from '../../../../test/support/guest-context.ts';
import { array, int, map, str } from '../../../../test/support/msgpack-bytes.ts';
import { decode } from '../../abi/msgpack/value.ts';
import type { LogFields } from '../../ext.ts';
import { capability } from './capability.ts';
import { guest } from './guest.ts';
import { bytes, refused, scratch } from './store.suite.ts';

const defaults = { max_bytes: 2 ** 30, max_file_bytes: 2 ** 26, max_files: 1000 };

/** The functions of a guest end on a folder of its own, and what it logged. */
function end(t: TestContext) {
  const folder = join(scratch(t), 'root', 'plugin');
  const infos: [string, LogFields | undefined][] = [];
  const log = { ...silent, info: (message: string, fields?: LogFields) => infos.push([message, fields]) };
  const context = guestContext({ folder, options: defaults, log });
  t.after(() => context.scope.disposeAsync());
  return { folder, infos, context, ...guest(context).functions };
}

const named = (fields: Readonly<Record<string, Buffer>>): Uint8Array => map(Object.entries(fields));

/** A map of a result as an object. */
function fieldsOf(result: Uint8Array): unknown {
  const value = decode(result);
  assert.ok(value instanceof Map);
  return Object.fromEntries(value);
}

suite('the guest end of storage.fs', () => {
  test("makes the plugin's folder and says where it is", async (t) => {
    const { folder, infos, context } = end(t);
    assert.deepEqual(infos, [['storage.fs ready', { root: folder }]]);
    assert.equal(statSync(folder).mode & 0o777, 0o700);
    await context.scope.disposeAsync();
  });

  test('reads, writes, appends and deletes by the path alone', (t) => {
    const { folder, fs_write, fs_append, fs_read, fs_delete } = end(t);
    fs_write(bytes('a/\xff'), bytes('one'));
    fs_append(bytes('a/\xff'), bytes(' two'));
    assert.equal(Buffer.from(fs_read(bytes('a/\xff'))).toString(), 'one two');
    fs_delete(bytes('a/\xff'));
    refused(6, () => fs_read(bytes('a/\xff')));
    fs_delete(bytes('a'));
    fs_write(bytes('empty'), bytes(''));
    assert.equal(fs_read(bytes('empty')).length, 0);
    assert.equal(readFileSync(join(folder, 'empty')).length, 0);
  });

  test('takes the mode of a new file from newer guests', (t) => {
    const { folder, fs_write } = end(t);
    const modeOf = (name: string): number => statSync(join(folder, name)).mode & 0o777;
    fs_write(bytes('a'), bytes(''), named({ mode: int(0o755) }));
    fs_write(bytes('b'), bytes(''), named({ mode: int(0) }));
    fs_write(bytes('c'), bytes(''), named({}));
    fs_write(bytes('d'), bytes(''), bytes(''));
    fs_write(bytes('e'), bytes(''), array([int(0o400)]));
    assert.deepEqual(['a', 'b', 'c', 'd', 'e'].map(modeOf), [0o700, 0o600, 0o600, 0o600, 0o400]);
    refused(4, () => fs_write(bytes('f'), bytes(''), named({ mode: int(-1) })));
    refused(4, () => fs_write(bytes('f'), bytes(''), named({ mode: int(2n ** 32n) })));
    refused(3, () => fs_write(bytes('f'), bytes(''), named({ mode: str('600') })));
    refused(6, () => statName(t, folder, 'f'));
  });

  test('lists as an array of names and whether they are folders', (t) => {
    const { fs_write, fs_list } = end(t);
    assert.deepEqual([...fs_list(bytes(''))], [0x90]);
    fs_write(bytes('b/c'), bytes(''));
    fs_write(bytes('a'), bytes(''));
    // {name: "a", is_dir: false}, {name: "b", is_dir: true}
    assert.equal(
      Buffer.from(fs_list(bytes(''))).toString('latin1'),
      '\x92\x82\xa4name\xa1a\xa6is_dir\xc2\x82\xa4name\xa1b\xa6is_dir\xc3',
    );
    assert.deepEqual(decode(fs_list(bytes('b'))), [
      new Map<string, unknown>([
        ['name', 'c'],
        ['is_dir', false],
      ]),
    ]);
    refused(4, () => fs_list(bytes('.')));
  });

  test('tells of a file with wide integers, as guests in Go look for them', (t) => {
    const { fs_write, fs_stat } = end(t);
    fs_write(bytes('a/b'), bytes('12345'));
    const result = Buffer.from(fs_stat(named({ path: str('a//b') })));
    const value = fieldsOf(result) as Record<string, unknown>;
    assert.deepEqual(Object.keys(value), ['name', 'size', 'mod_time_ns', 'mode', 'is_dir']);
    assert.deepEqual(
      { ...value, mod_time_ns: 0 },
      { name: 'b', size: 5n, mod_time_ns: 0, mode: 0o600n, is_dir: false },
    );
    assert.ok(result.includes(Buffer.concat([str('mod_time_ns'), Buffer.of(0xd3)])));
    assert.ok(result.includes(Buffer.concat([str('size'), Buffer.of(0xd3)])));
    assert.ok(result.includes(Buffer.concat([str('mode'), Buffer.of(0xce)])));
  });

  test('renames, makes folders, changes modes and removes trees by their messages', (t) => {
    const { folder, fs_write, fs_rename, fs_mkdir_all, fs_chmod, fs_remove_all, fs_list } = end(t);
    const modeOf = (name: string): number => statSync(join(folder, name)).mode & 0o777;
    fs_mkdir_all(named({ path: str('a/b'), mode: int(0o755) }));
    fs_mkdir_all(named({ path: str('c') }));
    assert.deepEqual([modeOf('a'), modeOf('a/b'), modeOf('c')], [0o700, 0o700, 0o700]);
    fs_write(bytes('a/b/c'), bytes('x'));
    fs_rename(named({ old: str('a/b/c'), new: str('d') }));
    fs_chmod(named({ path: str('d'), mode: int(0o444) }));
    assert.equal(modeOf('d'), 0o400);
    fs_chmod(named({ path: str('d') }));
    assert.equal(modeOf('d'), 0);
    fs_remove_all(bytes('a'));
    fs_remove_all(bytes('c'));
    fs_remove_all(bytes('d'));
    assert.deepEqual([...fs_list(bytes(''))], [0x90]);
  });

  test('gives the path of what it made under a temporary name', (t) => {
    const { fs_create_temp, fs_mkdir_temp, fs_write, fs_read } = end(t);
    const file = fieldsOf(fs_create_temp(named({ dir: str(''), pattern: str('up-*.txt') })));
    const path = (file as { path: string }).path;
    assert.match(path, /^tmp\/up-[\da-f]+\.txt$/);
    assert.equal(fs_read(bytes(path)).length, 0);
    const made = fieldsOf(fs_mkdir_temp(named({ dir: str('d'), pattern: str('x') })));
    fs_write(bytes(`${(made as { path: string }).path}/a`), bytes('a'));
  });

  test('refuses what cannot be decoded with 3, and an empty path or the folder itself with 4', (t) => {
    const ends = end(t);
    for (const name of [
      'fs_stat',
      'fs_rename',
      'fs_mkdir_all',
      'fs_chmod',
      'fs_create_temp',
      'fs_mkdir_temp',
    ] as const) {
      for (const message of [
        bytes('\xc1'),
        str('a'),
        bytes('\xdf\xff\xff\xff\xff'),
        named({ path: int(1), old: int(1), dir: int(1) }),
      ])
        refused(3, () => ends[name](message), name);
    }
    for (const name of ['fs_stat', 'fs_rename', 'fs_mkdir_all', 'fs_chmod'] as const) {
      refused(4, () => ends[name](named({})), name);
      for (const path of ['.', 'a/..', './.']) {
        refused(4, () => ends[name](named({ path: str(path), old: str(path), new: str('a') })), name);
      }
    }
    refused(4, () => ends.fs_rename(named({ old: str('a'), new: str('') })));
    for (const name of ['fs_read', 'fs_delete', 'fs_remove_all'] as const) {
      for (const path of ['.', 'a/..', '..', '/']) refused(4, () => ends[name](bytes(path)), name);
    }
    refused(4, () => ends.fs_write(bytes('.'), bytes('')));
    refused(4, () => ends.fs_append(bytes('.'), bytes('')));
  });
});

/** What a fresh end on the same folder finds at a name. */
function statName(t: TestContext, folder: string, name: string): Uint8Array {
  const context = guestContext({ folder, options: defaults });
  t.after(() => context.scope.disposeAsync());
  return guest(context).functions.fs_stat(named({ path: str(name) }));
}

/** What the schema of an option makes of a value. */
function optionFrom(key: string, value?: unknown): unknown {
  const schema: StandardSchemaV1 | undefined = capability.options?.[key];
  assert.ok(schema !== undefined);
  const result = schema['~standard'].validate(value);
  assert.ok(!(result instanceof Promise));
  return result.issues === undefined ? result.value : 'refused';
}

suite('the options of storage.fs', () => {
  test('have their defaults and ranges', () => {
    assert.deepEqual(
      ['max_bytes', 'max_file_bytes', 'max_files'].map((key) => optionFrom(key)),
      [2 ** 30, 2 ** 26, 100_000],
    );
    for (const key of ['max_bytes', 'max_file_bytes', 'max_files']) {
      assert.equal(optionFrom(key, 1), 1);
      for (const wrong of [0, -1, 1.5, '1', 2 ** 53]) assert.equal(optionFrom(key, wrong), 'refused');
    }
    assert.equal(optionFrom('max_file_bytes', 2 ** 32), 'refused');
  });
});
