/**
 * The capabilities a host has. Each is a module that exports `capability`, built in or an extension's: a
 * function cannot be sent to a thread, so plugin threads import the same modules by the same URLs.
 */
import type { KnownImport } from '../guest/bind.ts';
import type { Capability } from '../ext.ts';
import { callCapability } from './call/capability.ts';

const suffix = import.meta.url.endsWith('.ts') ? 'ts' : 'js';

/** Module URLs of the built-in capabilities. */
export const builtinCapabilities: readonly string[] = [
  'call',
  'fs',
  'http-inbound',
  'http-outbound',
  'sqlite',
  'sse',
  'ws-inbound',
].map((folder) => new URL(`${folder}/capability.${suffix}`, import.meta.url).href);

export class Registry {
  readonly #capabilities: ReadonlyMap<string, Capability>;
  /** Every host import there is, by name. */
  readonly imports: ReadonlyMap<string, KnownImport>;

  private constructor(
    capabilities: ReadonlyMap<string, Capability>,
    imports: ReadonlyMap<string, KnownImport>,
  ) {
    this.#capabilities = capabilities;
    this.imports = imports;
  }

  /** Imports the modules. Throws when one has no capability, or two clash in a name or an import. */
  static async load(urls: readonly string[] = builtinCapabilities): Promise<Registry> {
    const capabilities = new Map<string, Capability>();
    const imports = new Map<string, KnownImport>();
    const modules = await Promise.all(
      urls.map(async (url) => ({ url, module: (await import(url)) as { capability?: Capability } })),
    );
    for (const { url, module } of modules) {
      const { capability } = module;
      if (capability === undefined) throw new Error(`${url} does not export a capability`);
      if (capabilities.has(capability.name))
        throw new Error(`two modules bring the capability ${capability.name}`);
      capabilities.set(capability.name, capability);
      for (const [name, signature] of Object.entries(capability.imports)) {
        const other = imports.get(name);
        if (other !== undefined)
          throw new Error(`${capability.name} and ${other.capability} both bring ${name}`);
        imports.set(name, { capability: capability.name, signature });
      }
    }
    return new Registry(capabilities, imports);
  }

  get(name: string): Capability {
    const capability = this.#capabilities.get(name);
    if (capability === undefined) throw new Error(`this host does not have the capability ${name}`);
    return capability;
  }

  /**
   * What a manifest may declare: capabilities that have an end. One whose signatures are known and nothing
   * else is bound to stubs, and refused when declared.
   */
  get declarable(): ReadonlyMap<string, Capability> {
    return new Map(
      [...this.#capabilities].filter(
        ([name, capability]) => name !== callCapability && ('guest' in capability || 'edge' in capability),
      ),
    );
  }

  /** The capabilities of a plugin in the order of their channels: those it declares, then the ones all have. */
  channels(declared: readonly string[]): readonly Capability[] {
    return [...declared, callCapability].map((name) => this.get(name));
  }
}
