import { codeText } from './host';
import { failInit } from './lifecycle';
import { log } from './log';

/**
 * For the SDK: what the host said to a claim of a route or path. A plugin that serves less than its source says
 * is worse than one that does not start: a refusal is logged, and in `onInit` it fails the start.
 */
export function claimed(claim: string, code: u32): void {
  if (code == 0) return;
  const reason = claim + ": " + codeText(code);
  log.error(reason);
  failInit(reason);
}
