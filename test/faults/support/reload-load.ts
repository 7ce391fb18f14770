import assert from 'node:assert/strict';
import { exampleManifest } from '../../support/example-plugins.ts';
import { patiently } from '../../support/patiently.ts';
import { RawWebSocket } from '../../support/raw-websocket.ts';
import type { Scope } from '../../support/scope.ts';
import { SseClient } from '../../support/sse-client.ts';
import { listen, mixedPlugins, talk } from '../soak/mixed-load.ts';
import { FaultHost } from './fault-host.ts';
import { type LoadWindow, startNeighbour } from './neighbour.ts';
import { pause } from './scenario.ts';

export interface ReloadLoadOptions {
  /** How long it goes on, in milliseconds. */
  readonly ms: number;
  /** How long the capacity is measured, and the load without reloads, in milliseconds each. */
  readonly measureMs: number;
}

/** What reloads under load came to. */
export interface ReloadLoad {
  /** Requests in a second that were answered, beside all else, to clients that nothing held back. */
  readonly capacity: number;
  /** The same load without reloads, and with them. */
  readonly before: LoadWindow;
  readonly during: LoadWindow;
  /** Of each plugin. */
  readonly reloads: number;
  /** Messages that were sent over WebSockets and came back, and events that came. */
  readonly messages: number;
  readonly events: number;
  /** WebSockets and event streams that came and went meanwhile. */
  readonly visits: number;
}

const everyMs = 1000;
const connections = 10;
/** WebSockets, and event streams, that stay all the time: so many each. */
const lasting = 10;
const messageEveryMs = 20;
/** More than any machine answers: each connection asks again as soon as it has its answer. */
const unbounded = 1_000_000;

/** Names of the plugins that are reloaded. */
const plugins = ['echo', 'events', 'guest'];

/**
 * Reloads every plugin of a host once a second while it serves half of what it can: requests to one, WebSockets of
 * another, event streams of a third, some that stay and some that come and go. Throws when anything is answered
 * wrongly, or any connection lost.
 */
export async function reloadUnderLoad(t: Scope, { ms, measureMs }: ReloadLoadOptions): Promise<ReloadLoad> {
  const [events = '', sockets = ''] = await mixedPlugins(t);
  const host = await FaultHost.start(t, { manifests: [exampleManifest('echo'), events, sockets] });
  const { port } = host;
  using lanes = new Lanes(t, port);
  await lanes.begin();
  const capacity = await measureCapacity(port, measureMs);
  const requests = startNeighbour(t, { port, path: '/echo', connections, perSecond: capacity / 2 });
  // What begins cold is nobody's measure.
  await pause(300);
  await requests.window();
  await pause(measureMs);
  const before = await requests.window();

  const until = performance.now() + ms;
  let reloads = 0;
  for (let next = performance.now(); performance.now() < until; await pause(next - performance.now())) {
    // One after the other, as `pulp reload` does.
    for (const plugin of plugins) await host.tell({ what: 'reload', plugin });
    reloads += 1;
    // What was missed is not made up for.
    next = Math.max(next + everyMs, performance.now());
  }
  const during = await requests.window();
  const counts = await lanes.end();

  assert.deepEqual(counts.errors, [], host.dump());
  for (const { errors, firstError = '' } of [before, during]) {
    assert.equal(errors, 0, `${firstError}\n${host.dump()}`);
  }
  for (const name of plugins) {
    const { instance, crashes, state } = await host.plugin(name);
    assert.deepEqual({ instance, crashes, state }, { instance: reloads + 1, crashes: 0, state: 'ready' });
  }
  assert.deepEqual(await host.stop(), { code: 0, signal: null }, host.dump());
  assert.equal(host.stderr, '');
  const { messages, events: received, visits } = counts;
  return { capacity, before, during, reloads, messages, events: received, visits };
}

/** What came of it, for people. */
export function describeReloads({ capacity, reloads, during, ...counts }: ReloadLoad): string {
  const { messages, events, visits } = counts;
  return [
    `${reloads} reloads of each of ${plugins.length} plugins at half of ${capacity.toFixed(0)} requests/s:`,
    `${during.requests} requests, ${messages} messages and ${events} events`,
    `over ${lasting} WebSockets and ${lasting} event streams that stayed, ${visits} visits`,
  ].join(' ');
}

/** Answers in a second to clients that ask as fast as they can. */
async function measureCapacity(port: number, ms: number): Promise<number> {
  await using stack = new AsyncDisposableStack();
  const scope: Scope = { after: (end) => stack.defer(async () => void (await end())) };
  const clients = startNeighbour(scope, { port, path: '/echo', connections, perSecond: unbounded });
  await pause(ms);
  await clients.window();
  const begun = performance.now();
  await pause(ms);
  const { requests, errors, firstError } = await clients.window();
  assert.equal(errors, 0, firstError ?? '');
  return requests / ((performance.now() - begun) / 1000);
}

/** Clients with connections that stay, and clients that come and go. */
class Lanes implements Disposable {
  readonly #t: Scope;
  readonly #port: number;
  readonly #errors: string[] = [];
  readonly #streams: SseClient[] = [];
  #running: Promise<void>[] = [];
  #sent = 0;
  #messages = 0;
  #visits = 0;
  #over = false;

  constructor(t: Scope, port: number) {
    this.#t = t;
    this.#port = port;
  }

  async begin(): Promise<void> {
    const port = this.#port;
    for (let index = 0; index < lasting; index++) {
      const client = await RawWebSocket.open(this.#t, port, { path: `/ws?${index}` });
      this.#lane('a WebSocket that stays', () => this.#converse(client));
      const stream = await SseClient.open(this.#t, { port, path: '/events' });
      this.#streams.push(stream);
      void stream.ended.then(() => {
        if (!this.#over) this.#errors.push('an event stream that stays: it ended');
      });
    }
    for (const [what, visit] of [
      ['a WebSocket that comes and goes', talk],
      ['an event stream that comes and goes', listen],
    ] as const) {
      this.#lane(what, async () => {
        await visit(port);
        this.#visits += 1;
      });
    }
  }

  /** Gives what was done, and what went wrong. Every stream has had events to the end. */
  async end(): Promise<{ messages: number; events: number; visits: number; errors: readonly string[] }> {
    const counts = this.#streams.map(({ events }) => events.length);
    await Promise.all(this.#streams.map((stream, index) => stream.first((counts[index] ?? 0) + 1))).catch(
      (error: unknown) => this.#errors.push(`an event stream that stays: ${String(error)}`),
    );
    this.#over = true;
    await patiently(Promise.all(this.#running), () => ['clients hang', ...this.#errors].join('\n'));
    const events = this.#streams.reduce((sum, stream) => sum + stream.events.length, 0);
    return { messages: this.#messages, events, visits: this.#visits, errors: this.#errors };
  }

  [Symbol.dispose](): void {
    this.#over = true;
    for (const stream of this.#streams) stream.close();
  }

  /** Does something again and again until the end, or until it fails. */
  #lane(what: string, work: () => Promise<void>): void {
    const run = async (): Promise<void> => {
      while (!this.#over) await work();
    };
    const running = run().catch((error: unknown) => void this.#errors.push(`${what}: ${String(error)}`));
    this.#running = [...this.#running, running];
  }

  async #converse(client: RawWebSocket): Promise<void> {
    const text = `message ${++this.#sent}`;
    client.text(text);
    assert.equal(await client.message(), text);
    this.#messages += 1;
    await pause(messageEveryMs);
  }
}
