import { MessageChannel, type MessagePort, Worker } from 'node:worker_threads';
import type { ExtensionModule } from '../capabilities/import-extension.ts';
import { Bell } from '../link/bell.ts';
import { linkThreads, type SharedMemoryLink } from '../link/shared-memory.ts';
import { embeddedThread } from './embedded.ts';
import { shared } from '../plugin-thread/monotonic.ts';
import type { NativeCallWatch } from '../plugin-thread/native-calls.ts';
import type { Command, StartCommand, ThreadData } from '../plugin-thread/protocol.ts';

/** The text of the module that plugin threads run inside of a bundled program. */
const embedded = embeddedThread();

const suffix = import.meta.url.endsWith('.ts') ? 'ts' : 'js';
/** The file of it elsewhere. */
const entry = new URL(`../plugin-thread/main.${suffix}`, import.meta.url);

/**
 * The engine's heap of a plugin thread, in MiB: tables and garbage-collected objects of guests are there, which
 * no limit of the linear memory counts. Beyond it the thread ends, and the plugin starts again.
 */
const threadHeapMb = 256;

/**
 * The part of that heap for new objects, in MiB. Node lets a heap that reaches its limit grow by 16 MiB more while
 * it ends the thread, and all that a guest has just made may live on: were it more than that, V8 would end the
 * process. The default is 96, and one guest in twenty that fills its heap on a busy machine ended the host.
 */
const threadYoungMb = 12;

/**
 * The stack of a plugin thread, in MiB, of which the system gives what is used. SQL takes up to 12 of them, and they
 * are what bounds its nesting; a guest that recurses for ever takes them all, for as long as its thread lives.
 */
const threadStackMb = 16;

/** How long a thread may take to end, in milliseconds. */
const terminateMs = 1000;

export interface PluginThreadOptions {
  /** What its guests may use besides the built-in capabilities. */
  readonly extensions: readonly ExtensionModule[];
  /** Called once when the thread has ended and nobody had ended it: an error of ours, or out of memory. */
  readonly died: (error: Error) => void;
}

/** A plugin thread as the host holds it. It may block for as long as it likes: commands ring its bell. */
export class PluginThread {
  readonly #bell = new Bell();
  readonly #posted = new Int32Array(new SharedArrayBuffer(4));
  readonly #commands: MessagePort;
  readonly #worker: Worker;
  #ended = false;
  /** Whose native call did not come back when it was looked at last: no other guest of the thread gets its turn. */
  stuck: { readonly plugin: string; readonly native: NativeCallWatch } | undefined;

  constructor({ extensions, died }: PluginThreadOptions) {
    const { port1, port2 } = new MessageChannel();
    this.#commands = port1;
    const workerData: ThreadData = {
      bell: this.#bell.buffer,
      commands: port2,
      posted: this.#posted.buffer,
      extensions,
    };
    this.#worker = new Worker(embedded ?? entry, {
      eval: embedded !== undefined,
      workerData,
      transferList: [port2],
      name: 'pulp-plugin-thread',
      // Flags of the program, such as those of `node -e`, are not the thread's.
      execArgv: embedded === undefined ? [] : ['--input-type=module'],
      resourceLimits: {
        maxOldGenerationSizeMb: threadHeapMb,
        maxYoungGenerationSizeMb: threadYoungMb,
        stackSizeMb: threadStackMb,
      },
    });
    let reason = new Error('the plugin thread ended by itself');
    this.#worker.on('error', (error) => {
      reason = error instanceof Error ? error : new Error(String(error));
    });
    this.#worker.once('exit', () => {
      this.#commands.close();
      if (this.#ended) return;
      this.#ended = true;
      died(reason);
    });
  }

  /** A link between an instance in this thread and the edge with that bell. */
  link(edgeBell: Bell): SharedMemoryLink {
    return linkThreads({ thread: this.#bell, edge: edgeBell });
  }

  start(command: Omit<StartCommand, 'type' | 'link' | 'postedAt'>, link: SharedMemoryLink): void {
    this.#post({ ...command, type: 'start', link: link.endpoint, postedAt: shared(performance.now()) }, link);
  }

  stop(instance: number): void {
    this.#post({ type: 'stop', instance });
  }

  /** Ends the thread, however long that takes. */
  async end(): Promise<void> {
    await this.#worker.terminate();
  }

  /**
   * Ends the thread in milliseconds, also inside an endless loop of a guest. False when it still runs after a
   * second: it is inside of a native call, and ends with that.
   */
  async terminate(): Promise<boolean> {
    this.#ended = true;
    const ended = this.end().then(() => true);
    const { promise: late, resolve } = Promise.withResolvers<false>();
    const timer = setTimeout(() => resolve(false), terminateMs);
    try {
      return await Promise.race([ended, late]);
    } finally {
      clearTimeout(timer);
    }
  }

  #post(command: Command, link?: SharedMemoryLink): void {
    this.#commands.postMessage(command, [...(link?.transfer ?? [])]);
    Atomics.add(this.#posted, 0, 1);
    this.#bell.ring();
  }
}
