import { emitMessage } from '../../support/sse-guest.ts';
import { pluginFolder } from '../../support/plugin-folder.ts';
import type { Scope } from '../../support/scope.ts';
import { respond, text, trap, watGuest } from '../../support/wat-guest.ts';
import { wsGuest } from '../../support/ws-guest.ts';
import { writeNote } from '../scenarios/storage.ts';
import { Client } from '../support/client.ts';
import { faultyPlugin } from '../support/faulty-plugin.ts';
import { pause } from '../support/scenario.ts';

/** Notes that are kept at a time: what a plugin stores is meant to grow, and would hide what is not. */
const mostNotes = 200;

/** The plugins of the mix that are not among the examples: one for WebSockets, one for events, one that breaks. */
export async function mixedPlugins(t: Scope): Promise<readonly string[]> {
  const events = await faultyPlugin(t, {
    name: 'events',
    guest: {
      imports: `(import "pulp" "sse_register" (func $sse_register (param i32 i32) (result i32)))
        (import "pulp" "sse_emit" (func $sse_emit (param i32 i32) (result i32)))`,
      init: (data) => `(drop (call $sse_register ${data.add(Buffer.from('/events'))}))`,
      tick: (data) =>
        `(drop (call $sse_emit ${data.add(emitMessage('/events', { data: 'x'.repeat(200) }))}))`,
      routes: { 'GET /events/none': text('') },
    },
    manifest: 'capabilities = ["transport.http.inbound", "transport.sse"]\ntick_interval_ms = 20',
  });
  const sockets = await pluginFolder(t, {
    wasm: await watGuest(wsGuest(['/ws'], { routes: { 'GET /ws/none': respond({}) } })),
    manifest:
      'capabilities = ["transport.http.inbound", "transport.ws.inbound"]\ntick_interval_ms = 0\n' +
      // Its connections outlive every reload.
      '[transport.ws.inbound]\nresume = true',
  });
  const breaks = await faultyPlugin(t, { name: 'breaks', guest: { routes: { 'GET /breaks/now': trap() } } });
  return [events.manifest, sockets, breaks.manifest];
}

/** What was asked of the host, by kind, and what went wrong with what must not. */
export interface LoadCounts {
  readonly done: Map<string, number>;
  readonly errors: string[];
}

/** Asks everything of a host until `signal` says that it is enough. */
export async function mixedLoad(port: number, signal: AbortSignal): Promise<LoadCounts> {
  const counts: LoadCounts = { done: new Map(), errors: [] };
  const did = (what: string): void => {
    counts.done.set(what, (counts.done.get(what) ?? 0) + 1);
  };
  using client = new Client({ port });
  const lane = async (what: string, everyMs: number, work: () => Promise<void>): Promise<void> => {
    while (!signal.aborted) {
      try {
        await work();
        did(what);
      } catch (error) {
        if (!signal.aborted) counts.errors.push(`${what}: ${String(error)}`);
      }
      await pause(everyMs);
    }
  };
  const notes: number[] = [];
  const lanes = [
    ...Array.from({ length: 4 }, (_, index) => lane('http', 10, () => echo(client, `lane-${index}`))),
    lane('storage', 20, () => keepNote(client, notes)),
    ...Array.from({ length: 4 }, () => lane('websocket', 20, () => talk(port))),
    ...Array.from({ length: 4 }, () => lane('events', 20, () => listen(port))),
    lane('crash', 9000, async () => {
      await expect(client, '/breaks/now', [502, 503]);
    }),
  ];
  await Promise.all(lanes);
  return counts;
}

async function expect(client: Client, path: string, statuses: readonly number[]): Promise<string> {
  const { status, body } = await client.ask(path);
  if (!statuses.includes(status)) throw new Error(`${path} gave ${status} ${body}`);
  return body;
}

async function echo(client: Client, token: string): Promise<void> {
  const body = await expect(client, `/echo/${token}`, [200]);
  if (body !== token) throw new Error(`${body} came back for ${token}`);
}

/** Keeps a note with a file, and removes the oldest when there are many. */
async function keepNote(client: Client, notes: number[]): Promise<void> {
  const { status, body } = await client.ask('/notes', writeNote);
  if (status !== 201) throw new Error(`a note gave ${status} ${body}`);
  const { id } = JSON.parse(body) as { id: number };
  notes.push(id);
  await client.ask(`/notes/${id}/files/f`, { method: 'PUT', body: 'y'.repeat(2000) });
  const oldest = notes.length > mostNotes ? notes.shift() : undefined;
  if (oldest !== undefined) await client.ask(`/notes/${oldest}`, { method: 'DELETE' });
}

/** A conversation of a few messages over a connection of its own. */
export function talk(port: number): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const socket = new WebSocket(`ws://127.0.0.1:${port}/ws`);
  let left = 20;
  socket.addEventListener('open', () => socket.send('hello'));
  socket.addEventListener('message', () => {
    left -= 1;
    if (left > 0) socket.send(`message ${left}`);
    else socket.close();
  });
  socket.addEventListener('error', () => reject(new Error('the connection failed')));
  socket.addEventListener('close', ({ code }) => {
    if (left === 0) resolve();
    else reject(new Error(`closed with ${code}`));
  });
  return promise;
}

/** Listens to a few events, and leaves. */
export async function listen(port: number): Promise<void> {
  const leave = new AbortController();
  const response = await fetch(`http://127.0.0.1:${port}/events`, { signal: leave.signal });
  try {
    if (response.status !== 200 || response.body === null)
      throw new Error(`the stream gave ${response.status}`);
    const reader = response.body.getReader();
    for (let left = 10; left > 0; left--) {
      const { done } = await reader.read();
      if (done) throw new Error('the stream ended');
    }
  } finally {
    leave.abort();
  }
}
