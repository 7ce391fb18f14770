import { fileURLToPath } from 'node:url';
import type { Capability } from '../ext.ts';
import { reasonOf } from '../log/reason.ts';

/** An extension as plugin threads are told of it: they import its module themselves. */
export interface ExtensionModule {
  /** The name of its capability, for messages. */
  readonly name: string;
  /** URL of the module that exports it. */
  readonly module: string;
  /** How long it may take to load, in milliseconds. Default 20,000. */
  readonly loadMs?: number;
}

/** How long a module may take to load unless it is said otherwise, in milliseconds. */
const defaultLoadMs = 20_000;

/** Imports the module of an extension. Rejects with an error that names it. */
export async function importExtension({ name, module, loadMs }: ExtensionModule): Promise<Capability> {
  const capability = await importCapability(module, loadMs);
  if (capability.name === name) return capability;
  throw new Error(`the extension ${module} exports the capability ${capability.name}, and not ${name}`);
}

/**
 * The capability that a module exports. Rejects with an error that names the module, also when it is not loaded after so
 * many milliseconds: one that waits at its top level may never be.
 */
export async function importCapability(module: string, ms = defaultLoadMs): Promise<Capability> {
  const { promise: late, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(
    () =>
      reject(
        new Error(
          `it is still loading after ${ms} ms; what waits there, such as main(), belongs into another module`,
        ),
      ),
    ms,
  );
  let exported: { readonly capability?: Capability };
  try {
    exported = (await Promise.race([import(module), late])) as typeof exported;
  } catch (error) {
    throw new Error(`the extension ${module} cannot be loaded: ${reasonOf(error)}${where(error, module)}`, {
      cause: error,
    });
  } finally {
    clearTimeout(timer);
  }
  const { capability } = exported;
  if (capability !== undefined) return capability;
  const names = Object.keys(exported).join(', ') || 'nothing';
  throw new Error(`the extension ${module} does not export a capability; it exports ${names}`);
}

/** An error in the text of a module, or of one that it imports, does not say where it is. Node itself does. */
function where(error: unknown, module: string): string {
  if (!(error instanceof SyntaxError) || !module.startsWith('file:')) return '';
  return `; to see where, run: node ${fileURLToPath(module)}`;
}
