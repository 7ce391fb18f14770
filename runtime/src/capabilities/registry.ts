import type { KnownImport } from '../guest/bind.ts';
import type { Capability } from '../ext.ts';
import { callCapability, capability as call } from './call/capability.ts';
import { faultOfCapability } from './check-capability.ts';
import { capability as fs } from './fs/capability.ts';
import { capability as httpInbound } from './http-inbound/capability.ts';
import { capability as httpOutbound } from './http-outbound/capability.ts';
import { capability as sqlite } from './sqlite/capability.ts';
import { capability as sse } from './sse/capability.ts';
import { capability as wsInbound } from './ws-inbound/capability.ts';

/** The capabilities that every host has. */
const builtin: readonly Capability[] = [call, fs, httpInbound, httpOutbound, sqlite, sse, wsInbound];

/** The capabilities of a host: those that it always has, and those of its extensions. */
export class Registry {
  readonly #capabilities = new Map<string, Capability>();
  readonly #imports = new Map<string, KnownImport>();
  /** What is taken already, in words, and by whom. */
  readonly #taken = new Map<string, Capability>();

  /** Throws when an extension is no capability, or two clash: the error names the modules of both. */
  constructor(extensions: readonly Capability[] = []) {
    for (const capability of builtin) this.#add(capability);
    for (const [index, capability] of extensions.entries()) {
      if (extensions.indexOf(capability) < index)
        throw new Error(`the extension ${describe(capability)} is given twice`);
      const fault = faultOfCapability(capability);
      if (fault !== undefined)
        throw new Error(`the extension ${describe(capability)} cannot be used: ${fault}`);
      this.#add(capability);
    }
  }

  /** Every host import there is, by name. */
  get imports(): ReadonlyMap<string, KnownImport> {
    return this.#imports;
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

  #add(capability: Capability): void {
    this.#take(`the capability ${capability.name}`, capability);
    // A table of a longer name would stand at the place of such a key.
    this.#take(`the manifest's table [${capability.name}]`, capability);
    for (const key of Object.keys(capability.options ?? {})) {
      this.#take(`the manifest's table [${capability.name}.${key}]`, capability);
    }
    for (const kind of capability.events ?? []) this.#take(`the event ${kind}`, capability);
    for (const name of Object.keys(capability.imports)) this.#take(`the import ${name}`, capability);
    this.#capabilities.set(capability.name, capability);
    for (const [name, signature] of Object.entries(capability.imports)) {
      this.#imports.set(name, { capability: capability.name, signature });
    }
  }

  #take(what: string, capability: Capability): void {
    const other = this.#taken.get(what);
    if (other === capability) throw new Error(`${describe(capability)} has ${what} twice`);
    if (other !== undefined) {
      throw new Error(`two capabilities bring ${what}: ${describe(other)}, and ${describe(capability)}`);
    }
    this.#taken.set(what, capability);
  }
}

/** A capability as errors name it. It may be anything: an extension was not held against the types. */
function describe(capability: Capability | undefined): string {
  const { name, module }: { readonly name?: unknown; readonly module?: unknown } = capability ?? {};
  const shown = typeof name === 'string' ? name : 'without a name';
  return `${shown} (${typeof module === 'string' ? module : 'of an unknown module'})`;
}
