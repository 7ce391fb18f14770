import { clockId } from './clocks.ts';
import type { Clocks } from './clocks.ts';
import { errno } from './errno.ts';
import type { LinearMemory } from './linear-memory.ts';
import type { Streams } from './streams.ts';

/**
 * Most subscriptions of one call; more are EINVAL. A guest has three descriptors and one or two clocks to wait
 * for, so this only bounds what the host keeps while the guest waits.
 */
const maxSubscriptions = 4096;

/** Longest single sleep, in milliseconds: what a timer of the host can take. */
const maxSleepMs = 2 ** 31 - 1;

const subscriptionBytes = 48;
const eventBytes = 32;
const hangup = 1;

/** What a pipe takes without blocking: a number for guests that want to know how much they can write. */
const writableBytes = 65_536n;

/** Kinds of subscriptions and of the events that answer them. */
const kind = { clock: 0, read: 1, write: 2 } as const;

interface Event {
  readonly userdata: bigint;
  readonly kind: number;
  readonly error: number;
  readonly bytes?: bigint;
  readonly flags?: number;
}

/** A subscription to the time: how many nanoseconds are left until it is due. */
interface Alarm {
  readonly userdata: bigint;
  remaining(): bigint;
}

export interface PollOptions {
  readonly memory: LinearMemory;
  readonly clocks: Clocks;
  readonly streams: Streams;
  /** Settles after that many milliseconds. A rejection goes through to the guest's stack and unwinds it. */
  readonly sleep: (ms: number) => Promise<void>;
}

/**
 * WASI's `poll_oneoff`: waits until one of the subscriptions is due, and reports all that are.
 *
 * @returns a function that gives an errno at once if nothing has to be waited for, otherwise a promise of one
 */
export function createPoll(options: PollOptions) {
  const { memory, sleep } = options;
  return (input: number, output: number, count: number, stored: number): number | Promise<number> => {
    const subscriptions = count >>> 0;
    if (subscriptions === 0 || subscriptions > maxSubscriptions) return errno.inval;
    const inMemory =
      memory.holds(input, subscriptions * subscriptionBytes) &&
      memory.holds(output, subscriptions * eventBytes) &&
      memory.holds(stored, 4);
    if (!inMemory) return errno.fault;
    const ready: Event[] = [];
    const alarms: Alarm[] = [];
    for (let index = 0; index < subscriptions; index += 1) {
      const subscription = readSubscription((input >>> 0) + index * subscriptionBytes, options);
      if (subscription === undefined) return errno.inval;
      if ('remaining' in subscription) alarms.push(subscription);
      else ready.push(subscription);
    }
    const report = (due: readonly Event[]): number => {
      // Looked at again, as time may have passed and the host answers for it alone.
      if (!memory.holds(output, due.length * eventBytes) || !memory.holds(stored, 4)) return errno.fault;
      due.forEach((event, index) => writeEvent(memory.view, (output >>> 0) + index * eventBytes, event));
      memory.view.setUint32(stored >>> 0, due.length, true);
      return errno.success;
    };
    const due = [...ready, ...dueOf(alarms)];
    return due.length > 0 ? report(due) : wait(alarms, sleep).then(report);
  };
}

async function wait(alarms: readonly Alarm[], sleep: PollOptions['sleep']): Promise<Event[]> {
  for (;;) {
    // Looked at after each sleep: timers end a little early, long ones come in parts, and clocks are set.
    const due = dueOf(alarms);
    if (due.length > 0) return due;
    const soonest = alarms
      .map((alarm) => alarm.remaining())
      .reduce((least, remaining) => (remaining < least ? remaining : least));
    await sleep(Math.max(1, Math.min(maxSleepMs, Math.ceil(Number(soonest) / 1e6))));
  }
}

function dueOf(alarms: readonly Alarm[]): Event[] {
  return alarms
    .filter((alarm) => alarm.remaining() <= 0n)
    .map(({ userdata }) => ({ userdata, kind: kind.clock, error: errno.success }));
}

/** Reads one subscription: something to wait for, or an event that is there already; undefined: malformed. */
function readSubscription(at: number, options: PollOptions): Alarm | Event | undefined {
  const { view } = options.memory;
  const userdata = view.getBigUint64(at, true);
  const tag = view.getUint8(at + 8);
  if (tag === kind.clock) return readAlarm(view, at, options);
  if (tag !== kind.read && tag !== kind.write) return undefined;
  const error = options.streams.can(view.getUint32(at + 16, true), tag === kind.read ? 'read' : 'write');
  if (error !== errno.success) return { userdata, kind: tag, error };
  // Standard input is at its end, which is something to be read.
  return tag === kind.read
    ? { userdata, kind: tag, error, bytes: 0n, flags: hangup }
    : { userdata, kind: tag, error, bytes: writableBytes };
}

function readAlarm(view: DataView, at: number, { clocks }: PollOptions): Alarm | Event {
  const userdata = view.getBigUint64(at, true);
  const id = view.getUint32(at + 16, true);
  const timeout = view.getBigUint64(at + 24, true);
  const flags = view.getUint16(at + 40, true);
  const absolute = flags === 1;
  if (flags > 1 || clocks.now(id) === undefined) return { userdata, kind: kind.clock, error: errno.inval };
  // A guest that sleeps uses no processor time, so it would wait for ever.
  if (id !== clockId.realtime && id !== clockId.monotonic) {
    return { userdata, kind: kind.clock, error: errno.notsup };
  }
  if (absolute && id === clockId.realtime) return { userdata, remaining: () => timeout - clocks.realtime() };
  // A length of time does not change when the wall clock is set.
  const end = absolute ? timeout : clocks.monotonic() + timeout;
  return { userdata, remaining: () => end - clocks.monotonic() };
}

function writeEvent(view: DataView, at: number, event: Event): void {
  view.setBigUint64(at, event.userdata, true);
  view.setUint32(at + 8, event.error | (event.kind << 16), true); // error u16, kind u8, padding
  view.setUint32(at + 12, 0, true);
  view.setBigUint64(at + 16, event.bytes ?? 0n, true);
  view.setBigUint64(at + 24, BigInt(event.flags ?? 0), true);
}
