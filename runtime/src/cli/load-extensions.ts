import { existsSync, statSync } from 'node:fs';
import { registerHooks } from 'node:module';
import { isSea } from 'node:sea';
import { isAbsolute, join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { importCapability } from '../capabilities/import-extension.ts';
import type { Capability } from '../ext.ts';

/**
 * The extensions that `-ext` names: paths of modules, or packages that are installed where the command is used, or
 * beside Pulp itself. Rejects with an error that names the one that cannot be had.
 */
export async function loadExtensions(
  names: readonly string[],
  loadMs?: number,
): Promise<readonly Capability[]> {
  if (names.length > 0 && isSea()) {
    throw new Error('this program has its extensions built in, and -ext cannot add to them');
  }
  return Promise.all(names.map(async (name) => importCapability(resolveExtension(name), loadMs)));
}

/** The URL of the module that an argument of `-ext` means. Throws an error that names it. */
export function resolveExtension(name: string): string {
  if (name.startsWith('file:')) return name;
  if (isAbsolute(name) || /^\.{1,2}(?:[/\\]|$)/.test(name)) return urlOf(resolve(name));
  for (const place of [join(process.cwd(), 'extensions'), import.meta.filename]) {
    const url = packageFrom(place, name);
    if (url !== undefined) return url;
  }
  if (existsSync(name)) return urlOf(resolve(name));
  const [packageName = name] = /^(?:@[^/]+\/)?[^/]+/.exec(name) ?? [];
  throw refused(
    name,
    /\.[cm]?[jt]s$/.test(name)
      ? 'there is no such module, and no package of that name is installed here'
      : `no package of that name is installed here: npm install ${packageName}, or give the path of a module`,
  );
}

/**
 * The module of a package, as an `import` in the file `place` finds it: `require` does not see what a package has for
 * `import` alone. Undefined when no such package is installed for that file.
 */
function packageFrom(place: string, name: string): string | undefined {
  const parentURL = pathToFileURL(place).href;
  const hooks = registerHooks({
    resolve: (specifier, context, next) =>
      next(specifier, specifier === name ? { ...context, parentURL } : context),
  });
  try {
    return import.meta.resolve(name);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ERR_MODULE_NOT_FOUND' || code === 'ERR_INVALID_MODULE_SPECIFIER') return undefined;
    throw refused(name, (error as Error).message, error);
  } finally {
    hooks.deregister();
  }
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
