import { AssertionError } from 'node:assert/strict';

/** How long anything may take on a busy machine before a test gives up waiting, in milliseconds. */
const patienceMs = 30_000;

/** Waits for a promise, and fails with what `otherwise` says when it takes too long. */
export async function patiently<T>(promise: Promise<T>, otherwise: () => string): Promise<T> {
  const { promise: late, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new AssertionError({ message: otherwise() })), patienceMs);
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}
