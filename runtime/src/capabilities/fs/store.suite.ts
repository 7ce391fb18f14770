/** A store on a folder of its own, for the tests of this folder. */
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Scope } from '../../../../test/support/scope.ts';
import { silent } from '../../../../test/support/guest-context.ts';
import { Failure, type LogFields } from '../../ext.ts';
import type { Folder } from './folder.ts';
import { binaryString, type FilePath, parsePath } from './path.ts';
import { openRoot } from './root-folder.ts';
import { FileStore, type StoreLimits } from './store.ts';

/** A folder that goes with the test. */
export function scratch(t: Scope): string {
  const path = mkdtempSync(join(tmpdir(), 'pulp-test-files-'));
  t.after(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

export interface TestedStore {
  readonly store: FileStore;
  /** The plugin's folder, and one beside it that is none of its business. */
  readonly folder: string;
  readonly outside: string;
  /** Warnings of the store. */
  readonly warnings: readonly (readonly [message: string, fields: LogFields | undefined])[];
}

export interface StoreUnderTest {
  readonly limits?: Partial<StoreLimits>;
  readonly now?: () => number;
  /** How the plugin's folder is opened. */
  readonly open?: (path: string) => Folder;
  /** Puts things into the plugin's folder before the store sees it. */
  readonly prepare?: (folder: string) => void;
}

export function storeIn(
  t: Scope,
  { limits, now, open = openRoot, prepare }: StoreUnderTest = {},
): TestedStore {
  const scratched = scratch(t);
  const [folder, outside] = [join(scratched, 'plugin'), join(scratched, 'outside')];
  mkdirSync(folder);
  mkdirSync(outside);
  prepare?.(folder);
  const warnings: [string, LogFields | undefined][] = [];
  const store = new FileStore({
    root: open(folder),
    limits: { maxBytes: 2 ** 30, maxFileBytes: 2 ** 26, maxFiles: 1000, ...limits },
    log: { ...silent, warn: (message, fields) => warnings.push([message, fields]) },
    ...(now === undefined ? {} : { now }),
  });
  t.after(() => store[Symbol.dispose]());
  return { store, folder, outside, warnings };
}

/** The contract's code of a call: 0 when it succeeds. Whatever is thrown besides a refusal is thrown on. */
export function codeOf(call: () => unknown): number {
  try {
    call();
    return 0;
  } catch (error) {
    if (error instanceof Failure) return error.code;
    throw error;
  }
}

/** Asserts what a call is refused with. */
export function refused(code: number, call: () => unknown, message = 'the code'): void {
  assert.equal(codeOf(call), code, message);
}

/** A path as guests give it. */
export const at = (text: string): FilePath => parsePath(text);

/** Bytes of a binary string. */
export const bytes = (text: string): Uint8Array => Buffer.from(text, 'latin1');

/** A file's content as a binary string. */
export function textOf(store: FileStore, path: string): string {
  return binaryString(store.read(at(path)));
}

/** The names in a folder as a list shows them, folders with `/` behind. */
export function listed(store: FileStore, path?: string): string[] {
  const found = store.list(path === undefined ? undefined : at(path));
  return found.map(({ name, isFolder }) => (isFolder ? `${name}/` : name));
}

/** A folder of which a test sees or changes some of what it does. Folders that are entered are as they are. */
export function overriding(folder: Folder, changes: (folder: Folder) => Partial<Folder>): Folder {
  return {
    isRoot: folder.isRoot,
    at: (name) => folder.at(name),
    lstat: (name) => folder.lstat(name),
    enter: (name) => folder.enter(name),
    open: (name, flags, mode) => folder.open(name, flags, mode),
    chmod: (name, mode) => folder.chmod(name, mode),
    sync: () => folder.sync(),
    [Symbol.dispose]: () => folder[Symbol.dispose](),
    ...changes(folder),
  };
}

/** An error of the system, as `node:fs` throws it. */
export function systemError(code: string): Error {
  return Object.assign(new Error(`${code}: it says no, open '/a/path/of/the/host'`), {
    code,
    syscall: 'open',
  });
}

/** Runs with no permission bit taken away, or all of them, and puts things back. */
export function withUmask(mask: number, act: () => void): void {
  const before = process.umask(mask);
  try {
    act();
  } finally {
    process.umask(before);
  }
}
