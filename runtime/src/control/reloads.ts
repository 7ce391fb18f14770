import type { Log } from '../ext.ts';
import type { HostControl } from '../host/status.ts';

/**
 * Reloads plugins one after the other. What is asked for again while it waits is done once; what is asked for again
 * while it is done is done again, since files may have changed behind the reading. A reload that fails is logged, and
 * the plugin goes on as it is.
 */
export class Reloads {
  readonly #host: HostControl;
  readonly #log: Log;
  readonly #waiting = new Set<string>();
  #working: Promise<void> | undefined;

  constructor(host: HostControl, log: Log) {
    this.#host = host;
    this.#log = log;
  }

  /** Settles when these, and all that waited, are done. */
  request(names: Iterable<string>): Promise<void> {
    for (const name of names) this.#waiting.add(name);
    this.#working ??= this.#work();
    return this.#working;
  }

  /** As {@link request}, for every plugin. */
  requestAll(): Promise<void> {
    return this.request(this.#host.status().plugins.map(({ name }) => name));
  }

  /** Forgets what waits. */
  end(): void {
    this.#waiting.clear();
  }

  async #work(): Promise<void> {
    for (const name of this.#waiting) {
      this.#waiting.delete(name);
      try {
        await this.#host.reloadPlugin(name);
      } catch (error) {
        this.#log.warn('plugin reload failed', { plugin: name, reason: (error as Error).message });
      }
    }
    this.#working = undefined;
  }
}
