import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { existsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { guest as fetchGuest } from '../../runtime/src/capabilities/http-outbound/guest.ts';
import type { Options as FetchOptions } from '../../runtime/src/capabilities/http-outbound/options.ts';
import { Registry } from '../../runtime/src/capabilities/registry.ts';
import type { Capability, Delivery, GuestContext, GuestEnd, Log } from '../../runtime/src/ext.ts';
import { type AnyHostFunction, bindImports, checkImports, mayWait } from '../../runtime/src/guest/bind.ts';
import { checkExports } from '../../runtime/src/guest/check-exports.ts';
import { Guest, GuestTrap } from '../../runtime/src/guest/guest.ts';
import { type ModuleInfo, readModule } from '../../runtime/src/guest/module.ts';
import { createWasi } from '../../runtime/src/guest/wasi.ts';
import { systemTime, type TimeSource } from '../../runtime/src/guest/wasi/clocks.ts';
import { parseManifest } from '../../runtime/src/manifest/parse-manifest.ts';
import { guestContext, silent } from '../support/guest-context.ts';
import { type Driver, Finding } from './driver.ts';
import { type GuestCall, callsEach, randomGuest } from './support/random-guest.ts';
import { Random } from './support/random.ts';

/** The contract's codes, but 99, which only an undeclared capability gives; and the largest errno of WASI. */
const codes: ReadonlySet<number> = new Set([0, 1, 2, 3, 4, 5, 6, 7, 8, 11]);
const undeclared = 99;
const mostErrno = 76;

/** A call that takes longer, in milliseconds, hangs. */
const boundMs = 5000;

/** Ends of the capabilities, and the folder that they keep things in, are made anew after so many blocks. */
const blocksEach = 40;

const manifest = `
name = "fuzz"
version = "1.0.0"
capabilities = ["transport.http.inbound", "transport.http.outbound", "transport.ws.inbound", "transport.sse", "storage.fs", "storage.sqlite"]
[transport.http.outbound]
allowed_hosts = ["fuzz.invalid"]
[storage.fs]
max_bytes = 1048576
max_files = 100
[storage.sqlite]
max_bytes = 1048576
max_temp_bytes = 1048576
`;

/** The ends of all capabilities, for guests that come and go. */
class Ends implements AsyncDisposable {
  /** Errors of the host's own that became a code. */
  readonly failures: string[] = [];
  /** The event of the step that is being made. */
  event: (Delivery & { readonly capability: string }) | undefined;
  readonly #ends = new Map<string, GuestEnd>();
  readonly #scope = new AsyncDisposableStack();
  readonly #folder: string;

  private constructor(folder: string) {
    this.#folder = folder;
  }

  static async make(registry: Registry): Promise<Ends> {
    // In memory where that is: millions of cases would wear out a disk.
    const base = existsSync('/dev/shm') ? '/dev/shm' : tmpdir();
    const folder = await mkdtemp(join(base, 'pulp-fuzz-'));
    const ends = new Ends(folder);
    ends.#scope.defer(() => rm(folder, { recursive: true, force: true }));
    await mkdir(join(folder, 'fuzz'));
    const spec = parseManifest(manifest, {
      file: join(folder, 'pulp.plugin.toml'),
      capabilities: registry.declarable,
    });
    for (const capability of registry.channels(spec.capabilities)) {
      const end = await ends.#end(capability, spec.options.get(capability.name) ?? {});
      if (end !== undefined) ends.#ends.set(capability.name, end);
    }
    return ends;
  }

  readonly log: Log = {
    ...silent,
    error: (message, fields) => {
      if (message === 'a host function failed') this.failures.push(JSON.stringify(fields));
    },
  };

  /** The functions of those capabilities. */
  functions(declared: ReadonlySet<string>): Map<string, AnyHostFunction> {
    const ends = [...this.#ends].filter(([name]) => declared.has(name));
    return new Map(
      ends.flatMap(([, end]) => Object.entries(end.functions as Record<string, AnyHostFunction>)),
    );
  }

  get names(): readonly string[] {
    return [...this.#ends.keys()];
  }

  /** A step begins for an event of that capability. */
  deliver(capability: string, event: Delivery): void {
    this.event = { ...event, capability };
    this.#ends.get(capability)?.deliver?.(event);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#scope.disposeAsync();
  }

  async #end(
    capability: Capability,
    options: Readonly<Record<string, unknown>>,
  ): Promise<GuestEnd | undefined> {
    const current = (): Delivery | undefined =>
      this.event?.capability === capability.name ? this.event : undefined;
    const context: GuestContext = guestContext({
      options,
      folder: join(this.#folder, 'fuzz'),
      log: this.log,
      scope: this.#scope,
      get event() {
        return current();
      },
      arity: () => 6,
    });
    if (capability.name !== 'transport.http.outbound') return capability.guest?.(context);
    // As any end is held by the host: its functions take what its own signatures say.
    return fetchGuest(context as GuestContext<FetchOptions>, { resolve: unknownName }) as unknown as GuestEnd;
  }
}

/** Host imports, called by guests by chance. */
export async function importsDriver(): Promise<Driver> {
  const registry = new Registry();
  let ends: Ends | undefined;
  let epoch = -1;
  return {
    name: 'imports',
    blockCases: callsEach,
    async run(seed, block) {
      const next = Math.floor(block / blocksEach);
      if (ends === undefined || next !== epoch) {
        await ends?.[Symbol.asyncDispose]();
        ends = await Ends.make(registry);
        epoch = next;
      }
      await runGuest(Random.derive(seed, 'imports', block), registry, ends);
    },
    async [Symbol.asyncDispose]() {
      await ends?.[Symbol.asyncDispose]();
    },
  };
}

async function runGuest(random: Random, registry: Registry, ends: Ends): Promise<void> {
  const { bytes, calls, allocator } = randomGuest(random, registry.imports);
  const info = readModule(bytes, { name: 'fuzz.wasm' });
  checkExports(info);
  checkImports(info, registry.imports);
  const declared = new Set(random.oneIn(4) ? ends.names.filter(() => random.oneIn(2)) : ends.names);
  const module = new WebAssembly.Module(bytes);
  let guest = instantiate({ info, module, declared, registry, ends });
  for (const call of calls) {
    if (random.oneIn(8))
      ends.deliver(random.pick(ends.names), { kind: random.below(3), id: random.below(4), cancelled: false });
    const input = JSON.stringify({ ...call, allocator });
    const begun = performance.now();
    let code: number;
    try {
      const later = guest.probe(call.name);
      code = Number(later instanceof Promise ? await later : later);
    } catch (error) {
      if (!(error instanceof GuestTrap)) throw new Finding('the host threw', input, { cause: error });
      if (!mayTrap(error)) throw new Finding(`it trapped: ${error.message}`, input, { cause: error });
      guest = instantiate({ info, module, declared, registry, ends });
      continue;
    }
    const [failure] = ends.failures;
    if (failure !== undefined) throw new Finding(`a host function failed: ${failure}`, input);
    if (!mayReturn(code, call, registry, declared)) throw new Finding(`it returned ${code}`, input);
    const ms = performance.now() - begun;
    if (ms > boundMs) throw new Finding(`it took ${Math.round(ms)} ms`, input);
  }
}

interface Instantiation {
  readonly info: ModuleInfo;
  readonly module: WebAssembly.Module;
  readonly declared: ReadonlySet<string>;
  readonly registry: Registry;
  readonly ends: Ends;
}

function instantiate({ info, module, declared, registry, ends }: Instantiation): Guest {
  const guest = new Guest({ suspendable: mayWait(info, registry.imports, declared), goBuilt: false });
  const { imports: wasi } = createWasi({
    memory: () => guest.memory.memory,
    write: () => undefined,
    ...sleeplessTime(),
  });
  const functions = ends.functions(declared);
  guest.instantiate(
    module,
    bindImports({ info, guest, known: registry.imports, functions, wasi, log: ends.log }),
  );
  return guest;
}

/** Names are never looked up, so no server is asked. */
function unknownName(name: string): Promise<never> {
  return Promise.reject(new Error(`${name} is not looked up`));
}

/** Clocks for guests whose sleep is over at once: time has passed then nevertheless, or they would wait for ever. */
function sleeplessTime(): { readonly time: TimeSource; sleep(ms: number): Promise<void> } {
  let slept = 0;
  return {
    time: {
      ...systemTime,
      wall: () => systemTime.wall() + slept,
      monotonic: () => systemTime.monotonic() + BigInt(slept) * 1_000_000n,
    },
    sleep: (ms) => {
      slept += ms;
      return Promise.resolve();
    },
  };
}

/** A guest may break by what it does itself: its allocator traps, or it exits. */
function mayTrap({ cause, message }: GuestTrap): boolean {
  return cause instanceof WebAssembly.RuntimeError || message.includes('proc_exit');
}

function mayReturn(
  code: number,
  call: GuestCall,
  registry: Registry,
  declared: ReadonlySet<string>,
): boolean {
  if (call.module !== 'pulp') return code >= 0 && code <= mostErrno;
  const capability = registry.imports.get(call.import)?.capability ?? '';
  return declared.has(capability) ? codes.has(code) : code === undeclared;
}
