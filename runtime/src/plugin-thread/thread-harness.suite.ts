/** A plugin thread with a bare edge at the other end of its links, for tests. */
import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import { wat } from '../../../test/support/wat.ts';
import { pulpImport } from '../guest/guest-text.suite.ts';
import { compileModule } from '../guest/compile.ts';
import { limitMemory } from '../guest/limit-memory.ts';
import { readModule } from '../guest/module.ts';
import { PluginThread } from '../host/plugin-thread.ts';
import { Bell } from '../link/bell.ts';
import { type EdgeLink, type EffectReceiver, type EventPlace, hostChannel } from '../link/link.ts';
import { createActivity } from './activity.ts';
import { createNativeCalls } from './native-calls.ts';
import { ProbeEffect } from './probe-capability.suite.ts';
import {
  decodeLog,
  decodeState,
  HostEffect,
  type InstanceSpec,
  type InstanceState,
  type LogEffect,
} from './protocol.ts';

/** How long anything may take before it counts as never, in milliseconds. */
export const patienceMs = 30_000;

/** The imports by which guests tell the edge a number, or their event's id. */
export const note = pulpImport('note', 'i32');
export const noteEvent = pulpImport('note_event', 'i32');

/** Instructions that note a number. */
export function notes(value: string): string {
  return `(drop (call $note ${value}))`;
}

/** Whether an instance that was ready has ended. */
export function ended(instance: { states: readonly InstanceState[] }): boolean {
  return instance.states.length > 1;
}

export interface StartOptions extends Partial<InstanceSpec> {
  readonly debug?: boolean;
}

/** One instance, as the edge sees it. */
export class InstanceUnderTest implements EffectReceiver {
  readonly number: number;
  readonly edge: EdgeLink;
  readonly notes: number[] = [];
  readonly logs: LogEffect[] = [];
  readonly states: InstanceState[] = [];
  /** All of the above by name, in the order they came. */
  readonly said: string[] = [];
  finished = 0;
  /** What requests of the guest end are answered with. */
  answer: (payload: Uint8Array) => Promise<Uint8Array> = () => Promise.reject(new Error('not expected'));
  #lastId = 0;

  constructor(number: number, edge: EdgeLink) {
    this.number = number;
    this.edge = edge;
  }

  effect(channel: number, kind: number, payload: Uint8Array): number {
    if (channel === hostChannel) this.#host(kind, payload);
    else if (kind === ProbeEffect.note) {
      const [value = -1] = new Uint32Array(Uint8Array.from(payload).buffer);
      this.notes.push(value);
      this.said.push(`note ${value}`);
    } else this.said.push('ended');
    return 0;
  }

  request(_channel: number, _kind: number, payload: Uint8Array): Promise<Uint8Array> {
    return this.answer(payload);
  }

  drain(): void {
    this.finished = this.edge.drain(this);
  }

  /** Sends an event of the probe capability; ids count from 1. */
  event(payload: Uint8Array = Uint8Array.of(0x80), kind = 0): EventPlace {
    this.#lastId += 1;
    const place = this.edge.send({ channel: 0, kind, id: this.#lastId, payload });
    assert.notEqual(place, undefined, 'there is no room for an event');
    this.edge.wake();
    return place as EventPlace;
  }

  /** The first log line with this message. */
  log(message: string): LogEffect | undefined {
    return this.logs.find((entry) => entry.message === message);
  }

  #host(kind: number, payload: Uint8Array): void {
    if (kind === HostEffect.log) {
      const log = decodeLog(payload);
      this.logs.push(log);
      this.said.push(`log ${log.message}`);
    } else {
      const state = decodeState(payload);
      this.states.push(state);
      this.said.push(`state ${state.state}`);
    }
  }
}

/** A thread, and the instances that were started in it. */
export class ThreadUnderTest {
  readonly thread: PluginThread;
  readonly died: Error[] = [];
  readonly #bell = new Bell();
  readonly #instances: InstanceUnderTest[] = [];

  constructor(t: TestContext) {
    this.thread = new PluginThread({
      extensions: [
        { name: 'test.probe', module: new URL('probe-capability.suite.ts', import.meta.url).href },
      ],
      died: (error) => this.died.push(error),
    });
    t.after(() => this.thread.terminate());
  }

  /** Begins to start an instance of the module of this text. */
  async start(text: string, { debug = false, ...spec }: StartOptions = {}): Promise<InstanceUnderTest> {
    const bytes = await wat(text);
    const name = spec.name ?? 'guest';
    const limited = limitMemory(bytes, spec.maxMemoryPages ?? 64, { name });
    const link = this.thread.link(this.#bell);
    const instance = new InstanceUnderTest(this.#instances.length + 1, link.edge);
    this.#instances.push(instance);
    const command = {
      instance: instance.number,
      spec: {
        name,
        version: '1.0.0',
        capabilities: ['test.probe'],
        options: new Map(),
        config: new Uint8Array(0),
        tickIntervalMs: 0,
        eventPayload: 'embedded' as const,
        maxMemoryPages: 64,
        ...spec,
      },
      deployment: { storageRoot: '/nowhere', allowPrivateNetwork: false, setUpMs: 30_000 },
      nativeCalls: createNativeCalls(),
      activity: createActivity(),
      module: await compileModule(limited, { name }),
      info: readModule(bytes, { name }),
      debug,
    };
    this.thread.start(command, link);
    return instance;
  }

  /** Starts an instance and waits until it is ready. */
  async ready(text: string, options: StartOptions = {}): Promise<InstanceUnderTest> {
    const instance = await this.start(text, options);
    await this.until(() => instance.states.length > 0, 'the instance says how it is');
    assert.deepEqual(instance.states, [{ state: 'ready' }]);
    return instance;
  }

  /** Starts an instance and gives the state in which it ends. */
  async failing(
    text: string,
    options: StartOptions = {},
  ): Promise<InstanceState & { instance: InstanceUnderTest }> {
    const instance = await this.start(text, options);
    await this.until(() => instance.states.length > 0, 'the instance says how it is');
    return { ...(instance.states[0] as InstanceState), instance };
  }

  /** Drains all links until the condition holds. */
  async until(condition: () => boolean, what: string): Promise<void> {
    const deadline = performance.now() + patienceMs;
    for (;;) {
      for (const instance of this.#instances) instance.drain();
      if (condition()) return;
      assert.deepEqual(this.died, [], 'the thread has died');
      assert.ok(performance.now() < deadline, `not within ${patienceMs} ms: ${what}`);
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
  }
}
