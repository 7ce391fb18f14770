import { Code } from '../../abi/codes.ts';
import { Writer } from '../../abi/msgpack/writer.ts';
import {
  decodeFsPath,
  decodeFsPathMode,
  decodeFsRename,
  decodeFsTemp,
  decodeFsWriteOptions,
} from '../../abi/structs.ts';
import { Failure, type GuestContext, type GuestEnd } from '../../ext.ts';
import { type FilePath, parsePath, written } from './path.ts';
import { openRoot } from './root-folder.ts';
import { FileStore } from './store.ts';

/** The options of the capability, as its manifest table has them. */
export interface Options {
  readonly max_bytes: number;
  readonly max_file_bytes: number;
  readonly max_files: number;
}

/** The guest end: messages to calls of the store and back. All of it happens in the plugin's thread, at once. */
export function guest({ folder, options, log, scope }: GuestContext<Options>): GuestEnd<Functions> {
  const store = scope.use(
    new FileStore({
      root: openRoot(folder),
      limits: {
        maxBytes: options.max_bytes,
        maxFileBytes: options.max_file_bytes,
        maxFiles: options.max_files,
      },
      log,
    }),
  );
  log.info('storage.fs ready', { root: folder });
  const writer = new Writer();
  return {
    functions: {
      fs_read: (path) => store.read(parsePath(path)),
      fs_write(path, bytes, wanted) {
        const mode = wanted === undefined || wanted.length === 0 ? 0 : decodeFsWriteOptions(wanted).mode;
        store.write(parsePath(path), bytes, permissions(mode));
      },
      fs_append: (path, bytes) => store.append(parsePath(path), bytes),
      fs_delete: (path) => store.delete(parsePath(path)),
      fs_list(path) {
        const found = store.list(path.length === 0 ? undefined : parsePath(path));
        writer.reset();
        writer.array(found.length);
        for (const { name, isFolder } of found) {
          writer.map(2);
          writer.text('name');
          writer.text(name);
          writer.text('is_dir');
          writer.boolean(isFolder);
        }
        return writer.view();
      },
      fs_stat(bytes) {
        const path = parsePath(decodeFsPath(bytes).path);
        const { size, modTimeNs, mode, isFolder } = store.stat(path);
        writer.reset();
        writer.map(5);
        writer.text('name');
        writer.text(path.name);
        writer.text('size');
        writer.int64(size);
        writer.text('mod_time_ns');
        writer.int64(modTimeNs);
        writer.text('mode');
        writer.uint32(mode);
        writer.text('is_dir');
        writer.boolean(isFolder);
        return writer.view();
      },
      fs_rename(bytes) {
        const names = decodeFsRename(bytes);
        store.rename(parsePath(names.old), parsePath(names.new));
      },
      fs_remove_all: (path) => store.removeAll(parsePath(path)),
      fs_mkdir_all(bytes) {
        const { path, mode } = decodeFsPathMode(bytes);
        store.makeAll(parsePath(path), permissions(mode));
      },
      fs_chmod(bytes) {
        const { path, mode } = decodeFsPathMode(bytes);
        store.chmod(parsePath(path), permissions(mode) ?? 0);
      },
      fs_create_temp(bytes) {
        const { dir, pattern } = decodeFsTemp(bytes);
        return located(store.createTemporary(dir, pattern));
      },
      fs_mkdir_temp(bytes) {
        const { dir, pattern } = decodeFsTemp(bytes);
        return located(store.makeTemporary(dir, pattern));
      },
    },
  };

  function located(path: FilePath): Uint8Array {
    writer.reset();
    writer.map(1);
    writer.text('path');
    writer.text(written(path));
    return writer.view();
  }
}

type In = { readonly params: readonly ['in'] };
type InOut = { readonly params: readonly ['in', 'out'] };

type Functions = {
  readonly fs_read: InOut;
  readonly fs_write: { readonly params: readonly ['in', 'in?']; readonly optional: readonly ['in?'] };
  readonly fs_append: { readonly params: readonly ['in', 'in?'] };
  readonly fs_delete: In;
  readonly fs_list: { readonly params: readonly ['in?', 'out'] };
  readonly fs_stat: InOut;
  readonly fs_rename: In;
  readonly fs_remove_all: In;
  readonly fs_mkdir_all: In;
  readonly fs_chmod: In;
  readonly fs_create_temp: InOut;
  readonly fs_mkdir_temp: InOut;
};

/** Permission bits as a guest gives them; undefined for none, which means the usual ones. */
function permissions(mode: number): number | undefined {
  if (mode < 0 || mode > 0xffff_ffff) throw new Failure(Code.refused, `${mode} is no mode of a file`);
  return mode === 0 ? undefined : mode;
}
