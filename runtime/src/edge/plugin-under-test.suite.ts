/** A plugin as its edge knows it, with instances whose thread is the test itself. */
import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import { defineCapability, type Event, type PluginEnd, type Port } from '../ext.ts';
import { Bell } from '../link/bell.ts';
import { linkThreads, SharedMemoryThread } from '../link/shared-memory.ts';
import { Budget } from './budget.ts';
import { EdgePlugin } from './plugin.ts';

export const mebibyte = 1024 * 1024;

export interface EndUnderTest extends PluginEnd {
  port?: Port;
}

const ignored = (): void => undefined;

/** A plugin whose capabilities have these ends, and instances of it whose thread is this one. */
export function plugin(t: TestContext, ends: readonly EndUnderTest[], budget = new Budget(256 * mebibyte)) {
  const logs: { message: string; fields: Readonly<Record<string, unknown>> }[] = [];
  const hosted: [kind: number, text: string][] = [];
  let ids = 0;
  let pushes = 0;
  const options = new Map([['test.0', { colour: 'blue' }]]);
  const edge = new EdgePlugin({
    plugin: { name: 'guest', version: '1.2.3' },
    channels: ends.map((end, index) => ({
      capability: defineCapability({ name: `test.${index}`, imports: {} }),
      end: {
        plugin(port) {
          end.port = port;
          return end;
        },
      },
    })),
    options,
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
    host: (kind, payload) => hosted.push([kind, Buffer.from(payload).toString()]),
  });
  const instance = (): SharedMemoryThread => {
    const bells = { thread: new Bell(), edge: new Bell() };
    const link = linkThreads(bells);
    const thread = new SharedMemoryThread(link.endpoint, bells.edge);
    t.after(() => {
      thread.close();
      link.edge.close();
    });
    edge.attach(link.edge);
    return thread;
  };
  const port = ends[0]?.port;
  assert.ok(port);
  return { edge, port, instance, logs, hosted, budget, pushes: () => pushes };
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
