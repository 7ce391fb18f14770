import { statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { isSea } from 'node:sea';
import { isAbsolute, join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { importCapability } from '../capabilities/import-extension.ts';
import type { Capability } from '../ext.ts';

/**
 * The extensions that `-ext` names: paths of modules, or packages that are installed where the command is used, or
 * beside Pulp itself. Rejects with an error that names the one that cannot be had.
 */
export async function loadExtensions(names: readonly string[]): Promise<readonly Capability[]> {
  if (names.length > 0 && isSea()) {
    throw new Error('this program has its extensions built in, and -ext cannot add to them');
  }
  return Promise.all(names.map(async (name) => importCapability(resolveExtension(name))));
}

/** The URL of the module that an argument of `-ext` means. Throws an error that names it. */
export function resolveExtension(name: string): string {
  if (name.startsWith('file:')) return name;
  if (isAbsolute(name) || /^\.{1,2}(?:[/\\]|$)/.test(name)) return urlOf(resolve(name));
  for (const place of [join(process.cwd(), 'extensions'), import.meta.filename]) {
    try {
      return pathToFileURL(createRequire(place).resolve(name)).href;
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code !== 'MODULE_NOT_FOUND') throw refused(name, (error as Error).message, error);
    }
  }
  if (isFile(name)) return urlOf(resolve(name));
  throw refused(
    name,
    `no package of that name is installed here: npm install ${name}, or give the path of a module`,
  );
}

function urlOf(path: string): string {
  if (isFile(path)) return pathToFileURL(path).href;
  const found = statSync(path, { throwIfNoEntry: false });
  throw refused(
    path,
    found === undefined ? 'the module is not there' : 'it is no file; name the module in it',
  );
}

function isFile(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isFile() === true;
}

function refused(name: string, reason: string, cause?: unknown): Error {
  return new Error(`-ext ${name}: ${reason}`, { cause });
}
