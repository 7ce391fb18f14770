import type { Capability } from '../ext.ts';
import { reasonOf } from '../log/reason.ts';

export interface SetUp {
  readonly capability: Capability;
  /** What is being set up, for the message. */
  readonly what: string;
  /** How long it may take, in milliseconds. */
  readonly ms: number;
}

/**
 * How long anything of a capability may take to be set up, in milliseconds: what does not settle is to be named before
 * the time of the start is over.
 */
export function setUpMsOf(startTimeoutMs: number): number {
  return Math.ceil(startTimeoutMs * 0.75);
}

/**
 * What an end of a capability comes to. Rejects, with an error that names the capability, when it was refused or is
 * not there in time: an extension's promise that never settles would leave a start without a word.
 */
export async function inTime<T>(end: Promise<T>, { capability, what, ms }: SetUp): Promise<T> {
  const { promise: late, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new Error(`it was not there after ${Math.round(ms)} ms`)), ms);
  try {
    return await Promise.race([end, late]);
  } catch (error) {
    throw notSetUp(error, { capability, what });
  } finally {
    clearTimeout(timer);
  }
}

/** What was thrown in setting something up, as an error that names the capability. */
export function notSetUp(error: unknown, { capability, what }: Omit<SetUp, 'ms'>): unknown {
  const reason = reasonOf(error);
  // The built-in ones say by themselves what they are.
  if (reason.startsWith(`${capability.name}: `)) return error;
  return new Error(`${capability.name}: ${what} could not be set up: ${reason}`, { cause: error });
}
