/** A plugin as its edge knows it, with instances whose thread is the test itself. */
import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import { defineCapability, type Event, type PluginEnd, type Port } from '../ext.ts';
import { Bell } from '../link/bell.ts';
import type { EdgeLink } from '../link/link.ts';
import { linkThreads, SharedMemoryThread } from '../link/shared-memory.ts';
import { Budget } from './budget.ts';
import type { Attachment } from './attachment.ts';
import { EdgePlugin } from './plugin.ts';

export const mebibyte = 1024 * 1024;

export interface EndUnderTest extends PluginEnd {
  port?: Port;
}

const ignored = (): void => undefined;

/** A plugin whose capabilities have these ends, and instances of it whose thread is this one. */
export async function plugin(
  t: TestContext,
  ends: readonly EndUnderTest[],
  budget = new Budget(256 * mebibyte),
) {
  const logs: { message: string; fields: Readonly<Record<string, unknown>> }[] = [];
  const hosted: [kind: number, text: string][] = [];
  let ids = 0;
  let pushes = 0;
  let instances = 0;
  const capabilities = ends.map((_, index) =>
    defineCapability({
      module: import.meta.url,
      name: `test.${index}`,
      imports: {},
      events: [`test.${index}.event`, `test.${index}.other`],
    }),
  );
  const edge = new EdgePlugin({
    plugin: { name: 'guest', version: '1.2.3' },
    end: async (capability) => ({
      plugin(port) {
        const end = ends[capabilities.indexOf(capability)];
        assert.ok(end);
        end.port = port;
        return end;
      },
    }),
    budget,
    log: {
      debug: ignored,
      info: ignored,
      warn: ignored,
      error: (message, fields = {}) => logs.push({ message, fields }),
    },
    nextId: () => ++ids,
    pushed: () => {
      pushes += 1;
    },
  });
  const slots = await edge.slots(capabilities, new Map([['test.0', { colour: 'blue' }]]));
  const attach = (link: EdgeLink, of = slots): Attachment =>
    edge.attach({
      instance: ++instances,
      link,
      slots: of,
      host: (kind, payload) => hosted.push([kind, Buffer.from(payload).toString()]),
    });
  let latest: Attachment | undefined;
  /** A new instance. It takes the events when no other does. */
  const instance = (of = slots): SharedMemoryThread => {
    const bells = { thread: new Bell(), edge: new Bell() };
    const link = linkThreads(bells);
    const thread = new SharedMemoryThread(link.endpoint, bells.edge);
    t.after(() => {
      thread.close();
      link.edge.close();
    });
    latest = attach(link.edge, of);
    return thread;
  };
  const attachment = (): Attachment => {
    assert.ok(latest, 'an instance was attached');
    return latest;
  };
  /** The latest instance ends, or has become ready. */
  const detach = (outcome?: 'overdue'): void => edge.detach(attachment(), outcome);
  const ready = (): void => edge.ready(attachment());
  const port = ends[0]?.port;
  assert.ok(port);
  return {
    edge,
    port,
    instance,
    attach,
    attachment,
    detach,
    ready,
    capabilities,
    logs,
    hosted,
    budget,
    pushes: () => pushes,
  };
}

/** An event that notes how it ended. */
export function event(id: number, outcomes: string[], size = 10): Event {
  return { kind: 0, id, payload: new Uint8Array(size), done: (outcome) => outcomes.push(`${id} ${outcome}`) };
}

/** Takes events and finishes them; gives their ids. */
export function step(thread: SharedMemoryThread, times = Number.POSITIVE_INFINITY): number[] {
  const ids: number[] = [];
  while (ids.length < times) {
    const taken = thread.take();
    if (taken === undefined) break;
    ids.push(taken.id);
    thread.finish();
  }
  return ids;
}

export function count(from: number, to: number): number[] {
  return Array.from({ length: to - from + 1 }, (_, index) => from + index);
}
