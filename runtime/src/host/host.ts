import { resolve } from 'node:path';
import { Registry } from '../capabilities/registry.ts';
import { setUpMsOf } from '../capabilities/set-up.ts';
import { Edge } from '../edge/edge.ts';
import type { Capability, Log } from '../ext.ts';
import { beginThreads } from './begin-threads.ts';
import { checkModules } from './check-modules.ts';
import { loadCertificate } from './load-certificate.ts';
import { type LoadedPlugin, loadPlugin, readManifest } from './load-plugin.ts';
import { defaultMaxMemory, MemoryGuard } from './memory-guard.ts';
import { startOrder } from './start-order.ts';
import type { HostControl, HostStatus } from './status.ts';
import { RestoreStaging } from './storage-restore.ts';
import { StorageRoot } from './storage-root.ts';
import { Supervisor } from './supervisor.ts';
import { Watchdog } from './watchdog.ts';

export interface HostOptions {
  /** The plugin's `pulp.plugin.toml`, or those of several plugins. A route belongs to the first that claims it. */
  readonly manifest: string | readonly string[];
  /** Port of the listener; 0 takes a free one. Default 8080. */
  readonly httpPort?: number;
  /** Address the listener binds. Default: every interface. */
  readonly httpHost?: string;
  /**
   * A certificate in PEM, with its chain behind it, and its private key: with both the listener speaks HTTPS, and
   * HTTP/2 besides. They are read again when they change. Default: neither, and plain HTTP.
   */
  readonly httpCert?: string;
  readonly httpKey?: string;
  /** Folder below which each plugin with a storage capability has one of its own. Default `./data`. */
  readonly storageRoot?: string;
  /** Whether plugins may fetch from loopback and private addresses: for development. Default false. */
  readonly allowPrivateNetwork?: boolean;
  /** How long a client waits for an answer, in milliseconds: then 504. Default 30,000. */
  readonly requestTimeoutMs?: number;
  /** How long {@link Host.stop} waits for steps that run, in milliseconds. Default 8,000. */
  readonly drainTimeoutMs?: number;
  /** How long a start may take in the guest, in milliseconds. Default 30,000. */
  readonly startTimeoutMs?: number;
  /** How long a client may take for the head of a request, in milliseconds: then 408. Default 10,000. */
  readonly headerTimeoutMs?: number;
  /** How long a client may take for a whole request, in milliseconds: then 408. Default 30,000. */
  readonly bodyTimeoutMs?: number;
  /** How long a client may take nothing of its answer, in milliseconds, besides the time that an answer has. Default 30,000. */
  readonly writeTimeoutMs?: number;
  /** Largest request body in bytes: above it 413. Default 10 MiB. */
  readonly maxBodyBytes?: number;
  /** Open connections; more are closed as they come. Default 10,000. */
  readonly maxConnections?: number;
  /** Bytes of linear memory that all guests may have together. Default: three quarters of what the machine or control group gives. */
  readonly maxMemoryBytes?: number;
  /** Plugin threads; with more plugins some share one. Default 16. */
  readonly pluginThreads?: number;
  /**
   * Capabilities besides the built-in ones, that manifests may declare. They are trusted: their code runs with all rights
   * of this process. Default: none.
   */
  readonly extensions?: readonly Capability[];
  /** Takes the log. Default: nothing is logged. */
  readonly log?: Log & { enabled?(level: 'debug'): boolean };
}

/** How a host ended. */
export interface HostEnd {
  /** An exit code: 0 when nothing was cut off, and every plugin shut down in order. */
  readonly code: number;
}

/** Capabilities whose plugins need the listener. */
const inbound = /^transport\.(?:http\.inbound|ws\.inbound|sse)$/;

/** What of a host is there before its plugins are. */
interface Parts {
  readonly edge: Edge;
  readonly supervisors: readonly Supervisor[];
  /** The same in the order of their starts: see `startOrder`. */
  readonly rounds: readonly (readonly Supervisor[])[];
  readonly guard: MemoryGuard;
  readonly drainTimeoutMs: number;
  readonly log: Log;
  /** What is given back at the end. */
  readonly scope: AsyncDisposableStack;
}

/**
 * A running host: plugins in threads of their own, and the listener in front of them.
 *
 * @example
 * await using host = await Host.start({ manifest: 'plugins/echo/pulp.plugin.toml', httpPort: 0 });
 * await fetch(`${host.url}/echo/hello`);
 */
export class Host implements AsyncDisposable, HostControl {
  /** Where the plugins are served, without a slash behind; undefined when none has an inbound transport. */
  readonly url: string | undefined;
  /** Settles when the host has ended: stopped, or by itself because no plugin is left that may be started again. */
  readonly finished: Promise<HostEnd>;
  readonly #parts: Parts;
  readonly #end = Promise.withResolvers<HostEnd>();
  readonly #startedAt = Date.now();
  #stopping: Promise<{ clean: boolean }> | undefined;

  private constructor(parts: Parts, url: string | undefined) {
    this.#parts = parts;
    this.url = url;
    this.finished = this.#end.promise;
  }

  /**
   * Starts the plugins, and the listener once their init is complete, so that a connection that succeeds is served.
   * Rejects, with nothing left running, when anything fails: a `ManifestError` or `ModuleError` is a
   * plugin's fault, a system error with `syscall: 'listen'` the port's. An error with `uninterruptible: true` left
   * a thread behind that only ends with its native call.
   *
   * @param threads For a caller that has begun them before it had this module.
   */
  static async start(options: HostOptions, threads = beginThreads(options)): Promise<Host> {
    const log = options.log ?? silent;
    await using scope = new AsyncDisposableStack();
    scope.defer(() => threads.dismiss());
    const certificate = await loadCertificate(options, log);
    const extensions = options.extensions ?? [];
    const registry = new Registry(extensions);
    const { startTimeoutMs = 30_000 } = options;
    const setUpMs = setUpMsOf(startTimeoutMs);
    await checkModules(extensions, startTimeoutMs);
    const storageRoot = resolve(options.storageRoot ?? 'data');
    const storage = scope.use(new HeldStorage(storageRoot, { registry, log }));
    const maxMemoryBytes = options.maxMemoryBytes ?? defaultMaxMemory();
    const load = (file: string, name?: string): Promise<LoadedPlugin> =>
      loadOne(file, { name, registry, log, storage, maxMemoryBytes });
    const files = [options.manifest].flat().map((file) => resolve(file));
    const plugins: LoadedPlugin[] = [];
    for (const file of files) plugins.push(await load(file));
    const order = startOrder(plugins.map(({ spec }) => spec));

    const edge = new Edge({
      index: 0,
      setUpMs,
      maxBodyBytes: options.maxBodyBytes ?? 10 * 1024 * 1024,
      maxConnections: options.maxConnections ?? 10_000,
      // A request ends behind its head, so its time is the head's as well.
      headerTimeoutMs: Math.min(options.headerTimeoutMs ?? 10_000, options.bodyTimeoutMs ?? 30_000),
      bodyTimeoutMs: options.bodyTimeoutMs ?? 30_000,
      writeTimeoutMs: options.writeTimeoutMs ?? 30_000,
      requestTimeoutMs: options.requestTimeoutMs ?? 30_000,
      ...(certificate === undefined ? {} : { keyPair: certificate.keyPair }),
      log,
    });
    const watchdog = scope.use(new Watchdog());
    let host: Host | undefined;
    const supervisors = plugins.map(
      (loaded) =>
        new Supervisor({
          loaded,
          load: () => load(loaded.spec.file, loaded.spec.name),
          registry,
          threads,
          watchdog,
          deployment: { storageRoot, allowPrivateNetwork: options.allowPrivateNetwork ?? false, setUpMs },
          edge,
          log,
          debug: options.log?.enabled?.('debug') ?? true,
          startTimeoutMs,
          failed: () => {
            if (host !== undefined) host.#endIfOver();
          },
        }),
    );
    const rounds = order.map((round) =>
      supervisors.filter(({ name }) => round.some((spec) => spec.name === name)),
    );
    const guard = new MemoryGuard(maxMemoryBytes, {
      plugins: () => supervisors,
      log,
    });
    const { drainTimeoutMs = 8000 } = options;
    try {
      for (const supervisor of rounds.flat()) await supervisor.start();
      scope.use(watchdog.add((now) => guard.look(now)));
      const url = plugins.some(({ spec }) => spec.capabilities.some((name) => inbound.test(name)))
        ? await listen(edge, options, log)
        : undefined;
      if (certificate !== undefined && url !== undefined) {
        scope.use(certificate.watch((keyPair) => edge.listener.setKeyPair(keyPair)));
      }
      await threads.dismiss();
      const parts = { edge, supervisors, rounds, guard, drainTimeoutMs, log, scope: scope.move() };
      host = new Host(parts, url);
    } catch (error) {
      await Promise.all(supervisors.map((supervisor) => supervisor.stop(performance.now())));
      await edge.listener.close({ graceMs: 0, answersMs: 0 });
      await edge.close();
      const uninterruptible = supervisors.some((supervisor) => supervisor.uninterruptible);
      throw uninterruptible ? Object.assign(error as Error, { uninterruptible }) : error;
    }
    // Plugins may have ended for good between their init and here.
    host.#endIfOver();
    return host;
  }

  /**
   * Lets each HTTP/1.1 connection end with its next answer, which says so, while everything else goes on: clients that
   * keep connections begin to go elsewhere. For a host that is about to be stopped, see {@link stop}.
   */
  endKeepAlive(): void {
    this.#parts.edge.listener.endKeepAlive();
  }

  /**
   * Drains and ends the host: no new connections, requests that are queued get 503, steps that run get their
   * answer, then the plugins are shut down. Not clean when anything was cut off. Stopping twice is fine.
   */
  stop(): Promise<{ clean: boolean }> {
    this.#stopping ??= this.#stop(0);
    return this.#stopping;
  }

  /**
   * Whether a plugin is inside of a call that nothing can end, such as a query. A process that exits waits for it,
   * also after {@link stop}: `process.execve` or a signal to itself do not.
   */
  get uninterruptible(): boolean {
    return this.#parts.supervisors.some((supervisor) => supervisor.uninterruptible);
  }

  status(): HostStatus {
    const { edge, supervisors, guard } = this.#parts;
    const plugins = supervisors.map((supervisor) => supervisor.status());
    const stopping = this.#stopping !== undefined;
    return {
      pid: process.pid,
      ...(this.url === undefined ? {} : { url: this.url }),
      startedAt: this.#startedAt,
      ready: !stopping && plugins.every(({ state }) => state === 'ready' || state === 'stopped'),
      stopping,
      guestBytes: guard.used,
      maxGuestBytes: guard.limit,
      edgeBytes: edge.heldBytes,
      maxEdgeBytes: edge.maxHeldBytes,
      plugins,
    };
  }

  routes(name: string): readonly string[] {
    return this.#plugin(name).routes;
  }

  async stopPlugin(name: string, signal?: AbortSignal): Promise<void> {
    await this.#plugin(name).halt(signal);
  }

  async startPlugin(name: string, signal?: AbortSignal): Promise<void> {
    await this.#plugin(name).resume(signal);
  }

  async restartPlugin(name: string, signal?: AbortSignal): Promise<void> {
    await this.#plugin(name).renew(signal);
  }

  async reloadPlugin(name: string, signal?: AbortSignal): Promise<void> {
    await this.#plugin(name).reload(signal);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  #plugin(name: string): Supervisor {
    const { supervisors } = this.#parts;
    const found = supervisors.find((supervisor) => supervisor.name === name);
    if (found !== undefined) return found;
    throw new Error(
      `no plugin is named ${name} here; there are ${supervisors.map((one) => one.name).join(', ')}`,
    );
  }

  /** Ends the host when no plugin is left that runs or may be started again. */
  #endIfOver(): void {
    if (this.#parts.supervisors.every(({ isOver }) => isOver)) this.#stopping ??= this.#stop(1);
  }

  async #stop(code: number): Promise<{ clean: boolean }> {
    const { edge, supervisors, rounds, drainTimeoutMs, log, scope } = this.#parts;
    const deadline = performance.now() + drainTimeoutMs;
    edge.listener.stopAccepting();
    for (const supervisor of supervisors) supervisor.stopAccepting();
    let stopped = true;
    for (const round of rounds.toReversed()) {
      const all = await Promise.all(round.map((supervisor) => supervisor.stop(deadline)));
      stopped &&= all.every((clean) => clean);
    }
    const left = Math.max(200, deadline - performance.now());
    const closed = await edge.listener.close({ graceMs: Math.min(1000, left), answersMs: left });
    if (!closed) log.error('answers cut off', { drain_timeout_ms: drainTimeoutMs });
    const clean = stopped && closed;
    await edge.close();
    await scope.disposeAsync();
    this.#end.resolve({ code: clean ? code : 1 });
    return { clean };
  }
}

/** The storage root, held from the moment on that a plugin wants to store something. */
class HeldStorage implements Disposable {
  readonly #root: string;
  readonly #registry: Registry;
  readonly #log: Log;
  #held: StorageRoot | undefined;

  constructor(root: string, { registry, log }: { readonly registry: Registry; readonly log: Log }) {
    this.#root = root;
    this.#registry = registry;
    this.#log = log;
  }

  async hold({ spec }: LoadedPlugin): Promise<void> {
    const stores = this.#registry
      .channels(spec.capabilities)
      .some((capability) => capability.stores === true);
    if (!stores || this.#held !== undefined) return;
    this.#held = await StorageRoot.hold(this.#root);
    // Of a process that was ended in the middle of `pulp restore`.
    const plugins = await new RestoreStaging(this.#root).finish();
    if (plugins.length > 0) this.#log.warn('restore finished', { plugins });
  }

  [Symbol.dispose](): void {
    this.#held?.[Symbol.dispose]();
  }
}

interface LoadOptions {
  /** What the plugin is called, where that is known. */
  readonly name: string | undefined;
  readonly registry: Registry;
  readonly log: Log;
  readonly storage: HeldStorage;
  readonly maxMemoryBytes: number;
}

async function loadOne(file: string, options: LoadOptions): Promise<LoadedPlugin> {
  const { name, registry, log, storage, maxMemoryBytes } = options;
  const manifest = await readManifest(file, registry);
  // None may have more than all together.
  const maxMemoryPages = Math.min(manifest.maxMemoryPages, Math.floor(maxMemoryBytes / 65_536));
  const spec = { ...manifest, maxMemoryPages };
  if (spec.name !== (name ?? spec.name)) {
    throw new Error(`${spec.file}: the plugin ${name} is called ${spec.name} now: restart the host`);
  }
  log.info('pulp boot', {
    plugin: spec.name,
    version: spec.version,
    manifest: file,
    wasm: spec.wasm,
    capabilities: spec.capabilities,
    provides: spec.provides,
    consumes: spec.consumes,
  });
  const loaded = await loadPlugin(spec, registry);
  await storage.hold(loaded);
  return loaded;
}

async function listen(edge: Edge, options: HostOptions, log: Log): Promise<string> {
  const { httpHost, httpCert } = options;
  const tls = httpCert !== undefined;
  const { address, port, family } = await edge.listener.listen(options.httpPort ?? 8080, httpHost);
  const shown = family === 'IPv6' ? `[${address}]` : address;
  log.info('http server started', { addr: `${shown}:${port}`, tls });
  const everywhere = address === '::' || address === '0.0.0.0';
  return `${tls ? 'https' : 'http'}://${everywhere ? 'localhost' : shown}:${port}`;
}

function ignore(): void {
  // Nothing is logged.
}

const silent: Log & { enabled(): boolean } = {
  debug: ignore,
  info: ignore,
  warn: ignore,
  error: ignore,
  enabled: () => false,
};
