import { isSea } from 'node:sea';
import { importCapability } from '../capabilities/import-extension.ts';
import type { Capability } from '../ext.ts';

/**
 * Sees that plugin threads will find every extension where it says it is: a thread has nothing but the URL of its module.
 * Rejects with an error that names the first one that they would not. A program that is one file has no such URLs.
 */
export async function checkModules(extensions: readonly Capability[], loadMs?: number): Promise<void> {
  if (isSea()) return;
  for (const capability of extensions) {
    const { name, module } = capability;
    if ((await importCapability(module, loadMs)) === capability) continue;
    throw new Error(
      `the extension ${name} says that it is in ${module}, which exports another capability; ` +
        'write `export const capability = defineCapability({ module: import.meta.url, … })`',
    );
  }
}
