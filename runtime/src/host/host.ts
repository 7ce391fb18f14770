import { resolve } from 'node:path';
import { builtinCapabilities, Registry } from '../capabilities/registry.ts';
import { Edge } from '../edge/edge.ts';
import type { Log } from '../ext.ts';
import { loadCertificate } from './load-certificate.ts';
import { loadPlugin, readManifest } from './load-plugin.ts';
import { StorageRoot } from './storage-root.ts';
import { Supervisor } from './supervisor.ts';

export interface HostOptions {
  /** The plugin's `pulp.plugin.toml`. */
  readonly manifest: string;
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

/**
 * A running host: a plugin in a thread of its own, and the listener in front of it.
 *
 * @example
 * await using host = await Host.start({ manifest: 'plugins/echo/pulp.plugin.toml', httpPort: 0 });
 * await fetch(`${host.url}/echo/hello`);
 */
export class Host implements AsyncDisposable {
  /** Where the plugin is served, without a slash behind; undefined when it has no inbound transport. */
  readonly url: string | undefined;
  /** Settles when the host has ended: stopped, or by itself because its plugin may not be started again. */
  readonly finished: Promise<HostEnd>;
  readonly #parts: Parts;
  readonly #end = Promise.withResolvers<HostEnd>();
  #stopping: Promise<{ clean: boolean }> | undefined;

  private constructor(parts: Parts, url: string | undefined) {
    this.#parts = parts;
    this.url = url;
    this.finished = this.#end.promise;
  }

  /**
   * Starts a plugin, and the listener once its init is complete, so that a connection that succeeds is served.
   * Rejects, with nothing left running, when anything fails: a `ManifestError` or `ModuleError` is the
   * plugin's fault, a system error with `syscall: 'listen'` the port's. An error with `uninterruptible: true` left
   * a thread behind that only ends with its native call.
   */
  static async start(options: HostOptions): Promise<Host> {
    const log = options.log ?? silent;
    const certificate = await loadCertificate(options, log);
    const registry = await Registry.load(builtinCapabilities);
    const file = resolve(options.manifest);
    const spec = await readManifest(file, registry);
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
    const storageRoot = resolve(options.storageRoot ?? 'data');
    const stores = registry.channels(spec.capabilities).some((capability) => capability.stores === true);
    await using scope = new AsyncDisposableStack();
    if (stores) scope.use(await StorageRoot.hold(storageRoot));
    const edge = new Edge({
      index: 0,
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
    let host: Host | undefined;
    let failedEarly = false;
    const supervisor = new Supervisor({
      loaded,
      registry,
      capabilities: builtinCapabilities,
      deployment: {
        storageRoot,
        allowPrivateNetwork: options.allowPrivateNetwork ?? false,
      },
      edge,
      log,
      debug: options.log?.enabled?.('debug') ?? true,
      startTimeoutMs: options.startTimeoutMs ?? 30_000,
      failed: () => {
        failedEarly = true;
        if (host !== undefined) host.#fail();
      },
    });
    const { drainTimeoutMs = 8000 } = options;
    try {
      await supervisor.start();
      log.info('init complete', { plugin: spec.name });
      const url = spec.capabilities.some((name) => inbound.test(name))
        ? await listen(edge, options, log)
        : undefined;
      if (certificate !== undefined && url !== undefined) {
        scope.use(certificate.watch((keyPair) => edge.listener.setKeyPair(keyPair)));
      }
      host = new Host({ edge, supervisor, drainTimeoutMs, log, scope: scope.move() }, url);
    } catch (error) {
      await supervisor.stop(performance.now());
      await edge.listener.close({ graceMs: 0, answersMs: 0 });
      await edge.close();
      throw supervisor.uninterruptible ? Object.assign(error as Error, { uninterruptible: true }) : error;
    }
    // The plugin may have ended for good between its init and here.
    if (failedEarly) host.#fail();
    return host;
  }

  /**
   * Drains and ends the host: no new connections, requests that are queued get 503, steps that run get their
   * answer, then the plugin is shut down. Not clean when anything was cut off. Stopping twice is fine.
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
    return this.#parts.supervisor.uninterruptible;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  /** Ends the host because its plugin may not be started again. */
  #fail(): void {
    this.#stopping ??= this.#stop(1);
  }

  async #stop(code: number): Promise<{ clean: boolean }> {
    const { edge, supervisor, drainTimeoutMs, log, scope } = this.#parts;
    const deadline = performance.now() + drainTimeoutMs;
    edge.listener.stopAccepting();
    supervisor.stopAccepting();
    const stopped = await supervisor.stop(deadline);
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

interface Parts {
  readonly edge: Edge;
  readonly supervisor: Supervisor;
  readonly drainTimeoutMs: number;
  readonly log: Log;
  /** What is given back at the end. */
  readonly scope: AsyncDisposableStack;
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
