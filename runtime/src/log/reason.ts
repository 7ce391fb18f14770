import { inspect } from 'node:util';

/** What was thrown, in words: code that is not ours may throw anything, also what has no text. Never throws. */
export function reasonOf(error: unknown): string {
  if (error instanceof Error) return error.message;
  return typeof error === 'string' ? error : inspect(error, { depth: 0 });
}
