import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { Host, type HostOptions } from '../../runtime/src/index.ts';
import type { LogFields } from '../../runtime/src/ext.ts';
import { pluginFolder } from './plugin-folder.ts';
import type { Scope } from './scope.ts';
import { until } from './until.ts';
import { respond, watGuest, type WatGuest } from './wat-guest.ts';

/** A plugin of a host: where it is not said otherwise it has the route `GET /NAME`, which answers with its name. */
export interface GuestPlugin {
  readonly name: string;
  readonly guest?: WatGuest;
  /** The module; default: that of `guest`. */
  readonly wasm?: Uint8Array;
  /** Manifest lines behind name and version. Default: the inbound transport is declared. */
  readonly manifest?: string;
  readonly version?: string;
}

export interface LogRecord {
  readonly message: string;
  readonly fields: LogFields;
}

/** A host in this process with plugins that a test can change, and its log. It ends with its test. */
export class HostUnderTest {
  readonly host: Host;
  readonly lines: readonly LogRecord[];
  readonly #manifests: ReadonlyMap<string, string>;

  private constructor(host: Host, lines: readonly LogRecord[], manifests: ReadonlyMap<string, string>) {
    this.host = host;
    this.lines = lines;
    this.#manifests = manifests;
  }

  static async start(
    t: Scope,
    plugins: readonly GuestPlugin[],
    options: Omit<HostOptions, 'manifest' | 'log'> = {},
    lines: LogRecord[] = [],
  ): Promise<HostUnderTest> {
    const manifests = new Map<string, string>();
    const files: string[] = [];
    for (const plugin of plugins) {
      const file = await pluginFolder(t, {});
      await write(file, plugin);
      files.push(file);
      manifests.set(plugin.name, file);
    }
    const note = (message: string, fields: LogFields = {}): void => void lines.push({ message, fields });
    const storageRoot = join(dirname(files[0] ?? ''), 'storage');
    const host = await Host.start({
      httpPort: 0,
      httpHost: '127.0.0.1',
      storageRoot,
      drainTimeoutMs: 1000,
      ...options,
      manifest: files,
      log: { debug: note, info: note, warn: note, error: note, enabled: () => false },
    });
    t.after(() => host.stop());
    return new HostUnderTest(host, lines, manifests);
  }

  get url(): string {
    assert.ok(this.host.url !== undefined, 'the host does not listen');
    return this.host.url;
  }

  get port(): number {
    return Number(new URL(this.url).port);
  }

  get messages(): readonly string[] {
    return this.lines.map(({ message }) => message);
  }

  /** Puts another plugin in the place of the one with this name: the next start finds it. */
  async release(plugin: GuestPlugin): Promise<void> {
    await write(this.#manifests.get(plugin.name) ?? '', plugin);
  }

  /** Gives the manifest another name for its plugin. */
  async rename(name: string, other: string): Promise<void> {
    await write(this.#manifests.get(name) ?? '', { name: other });
  }

  /** {@link release}, and a reload. */
  async reload(plugin: GuestPlugin): Promise<void> {
    await this.release(plugin);
    await this.host.reloadPlugin(plugin.name);
  }

  /** The answer of a plugin: status and body. */
  async get(path: string): Promise<readonly [status: number, body: string]> {
    const response = await fetch(`${this.url}${path}`);
    return [response.status, await response.text()];
  }

  /** Lines with this message and these values. */
  logged(message: string, values: LogFields = {}): readonly LogRecord[] {
    return this.lines.filter(
      (line) =>
        line.message === message &&
        Object.entries(values).every(([key, value]) => line.fields[key] === value),
    );
  }

  /** Waits until a line like that is logged. */
  async line(message: string, values: LogFields = {}): Promise<LogFields> {
    await until(() => this.logged(message, values).length > 0, `${message} is logged`).catch((error) => {
      throw new Error(this.dump(), { cause: error });
    });
    return this.logged(message, values)[0]?.fields ?? {};
  }

  /** Requests one after the other until the test says so; gives those that were not answered with 200. */
  load(path: string, connections = 1): { stop(): Promise<{ requests: number; errors: readonly string[] }> } {
    const load = { over: false };
    let requests = 0;
    const errors: string[] = [];
    const running = Array.from({ length: connections }, async () => {
      while (!load.over) {
        requests += 1;
        const outcome = await this.get(path).catch((error: unknown) => [0, String(error)] as const);
        if (outcome[0] !== 200) errors.push(outcome.join(' '));
      }
    });
    return {
      stop: async () => {
        load.over = true;
        await Promise.all(running);
        return { requests, errors };
      },
    };
  }

  dump(): string {
    return this.lines.map(({ message, fields }) => `${message} ${JSON.stringify(fields)}`).join('\n');
  }
}

async function write(file: string, plugin: GuestPlugin): Promise<void> {
  const { name, guest = {}, version = '1.0.0' } = plugin;
  const { manifest = 'capabilities = ["transport.http.inbound"]' } = plugin;
  const routes = { [`GET /${name}`]: respond({ body: name }), ...guest.routes };
  const wasm = plugin.wasm ?? (await watGuest({ ...guest, routes }));
  await writeFile(join(dirname(file), 'plugin.wasm'), wasm);
  await writeFile(file, `name = "${name}"\nversion = "${version}"\n${manifest}\n`);
}
