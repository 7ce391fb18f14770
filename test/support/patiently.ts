import { AssertionError } from 'node:assert/strict';

/** How long anything may take on a busy machine before a test gives up waiting, in milliseconds. */
const patienceMs = 30_000;
/** How often a wait looks at the clock: a process that was stopped for a while has lost this much of it at most. */
const lookMs = 500;

/**
 * Waits for a promise, and fails with what `otherwise` says when it takes too long. Time in which the process did not
 * run does not count: after a machine's pause timers come before what has arrived meanwhile.
 */
export async function patiently<T>(promise: Promise<T>, otherwise: () => string): Promise<T> {
  const { promise: late, reject } = Promise.withResolvers<never>();
  let looks = patienceMs / lookMs;
  const timer = setInterval(() => {
    looks -= 1;
    if (looks === 0) reject(new AssertionError({ message: otherwise() }));
  }, lookMs);
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearInterval(timer);
  }
}
