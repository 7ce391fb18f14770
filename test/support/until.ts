import { patiently } from './patiently.ts';

/** Waits until something is so, and fails when it never is. */
export async function until(holds: () => boolean, what: string): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const timer = setInterval(() => {
    if (holds()) resolve();
  }, 5);
  try {
    await patiently(promise, () => `it never came about that ${what}`);
  } finally {
    clearInterval(timer);
  }
}
