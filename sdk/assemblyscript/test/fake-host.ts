/**
 * The host's functions beside those for requests, as far as the SDK can see them: what the guest passes is
 * copied and kept, and what a test wants to answer is placed in the guest's memory.
 */
import assert from 'node:assert/strict';
import { decode, type Value } from '../../../runtime/src/abi/msgpack/value.ts';

/** A pointer and a length as they are written, for answers that no sound host gives. */
export interface RawResult {
  readonly pointer: number;
  readonly length: number;
}

/** What a function answers: bytes with code 0, a code alone, or nothing, which is code 0 and no bytes. */
export type HostAnswer = number | Uint8Array | RawResult | undefined;

/** Answers a call by what the guest passed, each input a copy. */
export type HostFunction = (...inputs: Uint8Array[]) => HostAnswer;

/** One call, as it came. */
export interface HostCall {
  readonly name: string;
  readonly inputs: readonly Uint8Array[];
}

/** Each import by its parameters: bytes in, or a place for a result. */
const signatures: Readonly<Record<string, readonly ('in' | 'out')[]>> = {
  ws_register: ['in'],
  ws_send: ['in'],
  ws_close: ['in'],
  sse_register: ['in'],
  sse_emit: ['in'],
  sse_send: ['in'],
  http_fetch: ['in', 'out'],
  fs_read: ['in', 'out'],
  fs_write: ['in', 'in'],
  fs_append: ['in', 'in'],
  fs_delete: ['in'],
  fs_list: ['in', 'out'],
  fs_stat: ['in', 'out'],
  fs_rename: ['in'],
  fs_remove_all: ['in'],
  fs_mkdir_all: ['in'],
  fs_chmod: ['in'],
  fs_create_temp: ['in', 'out'],
  fs_mkdir_temp: ['in', 'out'],
  sqlite_exec: ['in', 'in', 'out'],
  sqlite_query: ['in', 'in', 'out'],
  sqlite_error: ['out'],
  // Of no host: those that tests of extensions declare.
  demo_greet: ['in'],
  demo_look_up: ['in', 'out'],
};

/** What the functions need of the instance. */
export interface HostedGuest {
  readonly memory: WebAssembly.Memory;
  place(bytes: Uint8Array): number;
}

/** The calls that were made, and the functions that keep them. */
export class FakeHost {
  /** Every call, in order. */
  readonly calls: HostCall[] = [];
  readonly imports: Readonly<Record<string, (...args: number[]) => number>>;

  constructor(guest: HostedGuest, answers: Readonly<Record<string, HostFunction>>) {
    this.imports = Object.fromEntries(
      Object.entries(signatures).map(([name, params]) => [
        name,
        (...args: number[]) => {
          assert.equal(args.length, params.length * 2, `${name} has so many parameters`);
          const pairs = params.map((param, i) => ({
            param,
            first: (args[i * 2] ?? 0) >>> 0,
            second: (args[i * 2 + 1] ?? 0) >>> 0,
          }));
          const inputs = pairs
            .filter(({ param }) => param === 'in')
            .map(({ first, second }) => new Uint8Array(guest.memory.buffer, first, second).slice());
          this.calls.push({ name, inputs });
          const answer = answers[name]?.(...inputs);
          if (typeof answer === 'number') return answer;
          const out = pairs.find(({ param }) => param === 'out');
          if (answer === undefined || out === undefined) return 0;
          const { pointer, length } =
            answer instanceof Uint8Array
              ? { pointer: answer.length === 0 ? 0 : guest.place(answer), length: answer.length }
              : answer;
          const view = new DataView(guest.memory.buffer);
          view.setUint32(out.first, pointer, true);
          view.setUint32(out.second, length, true);
          return 0;
        },
      ]),
    );
  }

  /** The calls of one function. */
  of(name: string): HostCall[] {
    return this.calls.filter((call) => call.name === name);
  }

  /** The first input of each call of one function, decoded from MessagePack. */
  decoded(name: string): unknown[] {
    return this.of(name).map(({ inputs: [input = new Uint8Array()] }) => plain(decode(input)));
  }

  /** The first input of each call of one function, as text. */
  texts(name: string): string[] {
    return this.of(name).map(({ inputs: [input = new Uint8Array()] }) => Buffer.from(input).toString());
  }
}

/** Maps as objects, bytes as text, integers as numbers: what is easy to write down in a test. */
export function plain(value: Value): unknown {
  if (value instanceof Map) {
    return Object.fromEntries(Array.from(value, ([key, entry]) => [String(key), plain(entry)]));
  }
  if (Array.isArray(value)) return value.map(plain);
  if (value instanceof Uint8Array) return Buffer.from(value).toString();
  if (typeof value === 'bigint') return Number(value);
  return value;
}
