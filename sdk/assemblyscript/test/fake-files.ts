/** Files in memory, behind the functions of `storage.fs`: enough for a plugin that keeps some. */
import { decode, encode, type Value } from '../../../runtime/src/abi/msgpack/value.ts';
import type { HostFunction } from './fake-host.ts';

const notFound = 6;
const refused = 4;

/** An answer for each function, all of them on one set of files: path to content. */
export function fakeFiles(files: Map<string, Buffer>): Record<string, HostFunction> {
  const under = (folder: string): string[] =>
    [...files.keys()].filter((path) => folder === '' || path.startsWith(`${folder}/`));
  return {
    fs_read: (path) => files.get(pathOf(path)) ?? (allowed(pathOf(path)) ? notFound : refused),
    fs_write: (path, data) => {
      if (!allowed(pathOf(path))) return refused;
      files.set(pathOf(path), Buffer.from(data ?? []));
      return 0;
    },
    fs_append: (path, data) => {
      files.set(
        pathOf(path),
        Buffer.concat([files.get(pathOf(path)) ?? Buffer.alloc(0), Buffer.from(data ?? [])]),
      );
      return 0;
    },
    fs_delete: (path) => (files.delete(pathOf(path)) ? 0 : notFound),
    fs_remove_all: (path) => {
      for (const inside of [pathOf(path), ...under(pathOf(path))]) files.delete(inside);
      return 0;
    },
    fs_list: (path) => {
      const folder = pathOf(path);
      const inside = under(folder);
      if (folder !== '' && inside.length === 0) return notFound;
      const names = new Map<string, boolean>();
      for (const file of inside) {
        const [name = '', ...rest] = file.slice(folder === '' ? 0 : folder.length + 1).split('/');
        names.set(name, rest.length > 0);
      }
      return encode(Array.from(names, ([name, is_dir]) => ({ name, is_dir })));
    },
    fs_stat: (request) => {
      const path = textOf(fieldsOf(request).get('path'));
      const file = files.get(path);
      if (file === undefined && under(path).length === 0) return notFound;
      return encode({
        name: path.split('/').at(-1) ?? '',
        size: BigInt(file?.length ?? 0),
        mod_time_ns: 1_767_323_045_678_000_000n,
        mode: file === undefined ? 0o700n : 0o600n,
        is_dir: file === undefined,
      });
    },
    fs_rename: (request) => {
      const fields = fieldsOf(request);
      const file = files.get(textOf(fields.get('old')));
      if (file === undefined) return notFound;
      files.delete(textOf(fields.get('old')));
      files.set(textOf(fields.get('new')), file);
      return 0;
    },
  };
}

function pathOf(bytes: Uint8Array | undefined): string {
  return Buffer.from(bytes ?? []).toString();
}

function fieldsOf(bytes: Uint8Array | undefined): ReadonlyMap<Value, Value> {
  const value = decode(bytes ?? new Uint8Array());
  return value instanceof Map ? value : new Map<Value, Value>();
}

function textOf(value: Value | undefined): string {
  return typeof value === 'string' ? value : '';
}

function allowed(path: string): boolean {
  return !path.startsWith('/') && !path.split('/').includes('..');
}
