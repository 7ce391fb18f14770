import { receiveMessageOnPort } from 'node:worker_threads';
import { Registry } from '../capabilities/registry.ts';
import type { Capability } from '../ext.ts';
import { Bell } from '../link/bell.ts';
import { SharedMemoryThread } from '../link/shared-memory.ts';
import { giveBack } from './collect.ts';
import { Instance } from './instance.ts';
import type { Command, ThreadData } from './protocol.ts';
import { Scheduler } from './scheduler.ts';
import { Waits } from './waits.ts';

/** A plugin thread: takes commands, starts instances, gives them their turns. It ends with its thread. */
export async function runThread(data: ThreadData, extensions: readonly Capability[]): Promise<never> {
  const bell = new Bell(data.bell);
  const waits = new Waits(bell);
  const posted = new Int32Array(data.posted);
  const instances = new Map<number, Instance>();
  const registry = new Registry(extensions);
  let taken = 0;

  const ended = (instance: Instance): void => {
    instances.delete(instance.number);
    scheduler.remove(instance);
    const { memoryBytes } = instance;
    const ref = waits.ref();
    // What still unwinds here has to be over.
    setTimeout(() => {
      giveBack(memoryBytes);
      ref[Symbol.dispose]();
    }, 1);
  };
  const start = (message: Extract<Command, { type: 'start' }>): void => {
    const link = new SharedMemoryThread(message.link, new Bell(message.link.edgeBell));
    const instance = new Instance({ command: message, registry, link, waits, ended });
    instances.set(message.instance, instance);
    scheduler.add(instance);
    void waits.hold(instance, instance.start());
  };
  const command = (): void => {
    for (;;) {
      const received = receiveMessageOnPort(data.commands);
      if (received === undefined) return;
      taken = (taken + 1) | 0;
      const message = received.message as Command;
      if (message.type === 'stop') instances.get(message.instance)?.stop();
      else start(message);
    }
  };
  const scheduler = new Scheduler({
    bell,
    waits,
    commanded: () => Atomics.load(posted, 0) !== taken,
    command,
  });
  return scheduler.run();
}
