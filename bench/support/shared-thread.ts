import { Registry } from '../../runtime/src/capabilities/registry.ts';
import { Effect } from '../../runtime/src/capabilities/http-inbound/wire.ts';
import { loadPlugin, readManifest } from '../../runtime/src/host/load-plugin.ts';
import { PluginThread } from '../../runtime/src/host/plugin-thread.ts';
import { Bell } from '../../runtime/src/link/bell.ts';
import { type EdgeLink, type EffectReceiver, hostChannel } from '../../runtime/src/link/link.ts';
import { createActivity } from '../../runtime/src/plugin-thread/activity.ts';
import { createNativeCalls } from '../../runtime/src/plugin-thread/native-calls.ts';
import { decodeState, HostEffect, type InstanceState } from '../../runtime/src/plugin-thread/protocol.ts';

/** How long anything may take before it counts as never, in milliseconds. */
const patienceMs = 30_000;

/** An instance in a {@link SharedThread}: a plugin whose only capability with events is transport.http.inbound. */
export class Neighbour implements EffectReceiver {
  readonly link: EdgeLink;
  readonly states: InstanceState[] = [];
  /** The last answer, as `decodeAnswer` takes it. */
  answer: Uint8Array = new Uint8Array(0);
  /** Events sent whose step is not over. */
  unfinished = 0;
  readonly #name: string;
  readonly #channel: number;
  #finished = 0;

  constructor(name: string, { link, channel }: { readonly link: EdgeLink; readonly channel: number }) {
    this.#name = name;
    this.link = link;
    this.#channel = channel;
  }

  /** Sends it a request, as `requestEvent` makes it, under the same id. */
  send(payload: Uint8Array, id: number): void {
    const place = this.link.send({ channel: this.#channel, kind: 0, id, payload });
    if (place === undefined) throw new Error(`${this.#name}: there is no room for an event`);
    this.unfinished += 1;
    this.link.wake();
  }

  effect(channel: number, kind: number, payload: Uint8Array): number {
    if (channel === hostChannel) {
      if (kind === HostEffect.state) this.states.push(decodeState(payload));
    } else if (kind === Effect.respond) this.answer = payload.slice();
    // Whatever it asks for it gets: a route.
    return 0;
  }

  request(): Promise<Uint8Array> {
    return Promise.reject(new Error(`${this.#name}: nothing is requested here`));
  }

  drain(): void {
    const finished = this.link.drain(this);
    this.unfinished -= finished - this.#finished;
    this.#finished = finished;
    const [, over] = this.states;
    if (over !== undefined) throw new Error(`${this.#name}: it has ended: ${JSON.stringify(over)}`);
  }
}

/** A plugin thread as the host has it, its instances, and in the place of an edge nothing but their links. */
export class SharedThread implements AsyncDisposable {
  readonly #bell = new Bell();
  readonly #registry: Registry;
  readonly #thread: PluginThread;
  readonly #neighbours: Neighbour[] = [];
  #died: Error | undefined;

  private constructor(registry: Registry) {
    this.#registry = registry;
    this.#thread = new PluginThread({
      extensions: [],
      died: (error) => (this.#died = error),
    });
  }

  static async start(): Promise<SharedThread> {
    return new SharedThread(new Registry());
  }

  /** Starts an instance of the plugin of a manifest and waits until it is ready. It may fetch from this machine. */
  async add(manifest: string): Promise<Neighbour> {
    const { spec, module, info } = await loadPlugin(
      await readManifest(manifest, this.#registry),
      this.#registry,
    );
    const link = this.#thread.link(this.#bell);
    const channel = this.#registry
      .channels(spec.capabilities)
      .findIndex(({ name }) => name === 'transport.http.inbound');
    const neighbour = new Neighbour(spec.name, { link: link.edge, channel });
    this.#neighbours.push(neighbour);
    const command = {
      instance: this.#neighbours.length,
      // Ticks would be steps, too.
      spec: { ...spec, tickIntervalMs: 0 },
      deployment: { storageRoot: '/nowhere', allowPrivateNetwork: true, setUpMs: 30_000 },
      nativeCalls: createNativeCalls(),
      activity: createActivity(),
      module,
      info,
      debug: false,
    };
    this.#thread.start(command, link);
    const deadline = performance.now() + patienceMs;
    // The thread needs this one's event loop to start.
    while (neighbour.states.length === 0) {
      await new Promise((resolve) => setTimeout(resolve, 1));
      this.#drain(deadline);
    }
    const [first] = neighbour.states;
    if (first?.state !== 'ready') throw new Error(`${spec.name}: it did not start: ${JSON.stringify(first)}`);
    return neighbour;
  }

  /** Blocks until an instance's steps are over. */
  untilFinished(neighbour: Neighbour): void {
    const deadline = performance.now() + patienceMs;
    this.#drain(deadline);
    while (neighbour.unfinished > 0) {
      this.#bell.wait(patienceMs, this.#ready);
      this.#drain(deadline);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#thread.terminate();
  }

  readonly #ready = (): boolean => this.#neighbours.some(({ link }) => link.ready);

  #drain(deadline: number): void {
    for (const neighbour of this.#neighbours) neighbour.drain();
    if (this.#died !== undefined) throw this.#died;
    if (performance.now() > deadline) throw new Error(`the thread does nothing for ${patienceMs / 1000} s`);
  }
}
