import { createWasi } from '../../runtime/src/guest/wasi.ts';

/** WASI over a real memory of one page, with a clock that only sleeping moves. */
export function testWasi() {
  const memory = new WebAssembly.Memory({ initial: 1 });
  const clock = { wall: 1_700_000_000_000, monotonic: 5_000_000_000n, cpu: 1234 };
  const printed: (readonly [fd: 1 | 2, bytes: Uint8Array])[] = [];
  const sleeps: number[] = [];
  const pass = (ms: number): void => {
    clock.wall += ms;
    clock.monotonic += BigInt(ms) * 1_000_000n;
  };
  const behaviour = {
    sleep: async (ms: number): Promise<void> => {
      sleeps.push(ms);
      pass(ms);
    },
  };
  const wasi = createWasi({
    memory: () => memory,
    write: (fd, bytes) => printed.push([fd, bytes]),
    sleep: (ms) => behaviour.sleep(ms),
    time: {
      wall: () => clock.wall,
      monotonic: () => clock.monotonic,
      offset: () => BigInt(clock.wall) * 1_000_000n - clock.monotonic,
      cpu: () => clock.cpu,
    },
  });
  const apply = (name: string, args: readonly (number | bigint)[]): number | Promise<number> => {
    const fn = wasi.imports[name];
    if (fn === undefined) throw new Error(`no function ${name}`);
    const result: number | Promise<number> = Reflect.apply(fn, undefined, args);
    return result;
  };
  return {
    wasi,
    memory,
    clock,
    pass,
    printed,
    sleeps,
    /** What sleeping does; tests may put another function here. */
    behaviour,
    /** The memory as it is now. */
    view: () => new DataView(memory.buffer),
    /** Calls a function that does not wait, as a guest would. */
    call: (name: string, ...args: (number | bigint)[]): number => {
      const result = apply(name, args);
      if (typeof result !== 'number') throw new Error(`${name} waits`);
      return result;
    },
    /** Calls `poll_oneoff`, which may wait. */
    poll: (...args: (number | bigint)[]): number | Promise<number> => apply('poll_oneoff', args),
  };
}
