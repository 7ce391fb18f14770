import { controlAddress } from '../control/address.ts';
import { HealthServer, type Health } from '../control/health.ts';
import type { LogHistory } from '../control/log-history.ts';
import { Reloads } from '../control/reloads.ts';
import { ControlServer } from '../control/server.ts';
import type { Log } from '../ext.ts';
import type { HostControl } from '../host/status.ts';
import type { RunValues } from './command-line.ts';
import { version } from './version.ts';

export interface OperationsOptions {
  readonly flags: RunValues;
  readonly log: Log;
  readonly history: LogHistory;
}

/**
 * What operators have of a running host besides its log: the control socket, health for orchestrators, and reloads by
 * a signal and by changed files. It is there while the host starts, and until it has ended.
 */
export class Operations implements AsyncDisposable {
  readonly #options: OperationsOptions;
  readonly #scope = new AsyncDisposableStack();
  #host: HostControl | undefined;
  #reloads: Reloads | undefined;
  /** A reload was asked for while the host started. */
  #asked = false;
  #stopping = false;
  #opening: Promise<void> | undefined;
  /** How the files of the plugins looked before they were read. */
  #before: ReadonlyMap<string, string> | undefined;

  private constructor(options: OperationsOptions) {
    this.#options = options;
  }

  /**
   * Rejects when the port for health cannot be had. A control socket that cannot be made is a line in the log: the
   * storage root may be read-only, or have the socket of another host.
   */
  static async open(options: OperationsOptions): Promise<Operations> {
    const made = new Operations(options);
    try {
      await made.#openHealth();
    } catch (error) {
      await made[Symbol.asyncDispose]();
      throw error;
    }
    if (options.flags.watch) {
      const { looksBefore } = await import('../control/plugin-files.ts');
      made.#before = await looksBefore(options.flags.manifest);
    }
    // The start need not wait for it.
    made.#opening = made.#openControl();
    return made;
  }

  /** The host has started. */
  async attach(host: HostControl): Promise<void> {
    const { flags, log } = this.#options;
    const reloads = new Reloads(host, log);
    this.#host = host;
    this.#reloads = reloads;
    await this.#opening;
    if (flags.watch) {
      const { PluginWatch } = await import('../control/plugin-watch.ts');
      const watch = await PluginWatch.start({
        plugins: () => host.status().plugins,
        ...(this.#before === undefined ? {} : { before: this.#before }),
        changed: (names) => reloads.request(names),
      });
      this.#scope.use(watch);
    }
    if (this.#asked) void reloads.requestAll();
  }

  /** Reloads every plugin, as soon as the host has started. */
  reload(signal: NodeJS.Signals): void {
    if (this.#stopping) return;
    this.#options.log.info('reload asked for', { signal });
    if (this.#reloads === undefined) this.#asked = true;
    else void this.#reloads.requestAll();
  }

  /** The host is about to stop: from now on it is not ready, and nothing is reloaded. */
  stopping(): void {
    this.#stopping = true;
    this.#reloads?.end();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.stopping();
    await this.#opening;
    await this.#scope.disposeAsync();
  }

  readonly #health: Health = () => {
    const status = this.#host?.status();
    if (this.#stopping) return { ready: false, stopping: true, plugins: status?.plugins ?? [] };
    return status;
  };

  async #openHealth(): Promise<void> {
    const { flags, log } = this.#options;
    if (flags.healthPort === undefined) return;
    const server = await HealthServer.listen({
      health: this.#health,
      port: flags.healthPort,
      host: flags.httpHost,
    });
    this.#scope.use(server);
    log.info('health server started', { addr: server.address });
  }

  async #openControl(): Promise<void> {
    const { flags, log, history } = this.#options;
    if (!flags.control) return;
    const path = controlAddress(flags.storageRoot);
    try {
      const server = await ControlServer.open({
        path,
        history,
        version: version(),
        log,
        host: () => this.#host,
        health: this.#health,
      });
      this.#scope.use(server);
      log.debug('control socket ready', { path });
    } catch (error) {
      log.warn('control socket not made', { path, reason: (error as Error).message });
    }
  }
}
