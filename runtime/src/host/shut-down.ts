import type { Log } from '../ext.ts';
import { describe, type RunningInstance } from './running-instance.ts';
import { late, within } from './within.ts';

/** The shortest and the longest time that `pulp_shutdown` has, in milliseconds. */
const shutdownMs = { least: 1000, most: 5000 };

export interface ShutDownOptions {
  /** The plugin's name. */
  readonly plugin: string;
  /** How long the step that runs is waited for, on the clock of `performance.now()`. */
  readonly deadline: number;
  readonly log: Log;
  /** Ends the instance with its thread. The reason is what others hear who are in that thread. */
  kill(reason: string): Promise<void>;
}

/** When an instance that is asked to shut down now has to be down, on the clock of `performance.now()`. */
export function shutDownBy(): number {
  return performance.now() + shutdownMs.most;
}

/**
 * Waits for the step that an instance is in, and shuts it down; it is ended by force when that takes too long. False
 * when not all went in order, which the log says.
 */
export async function shutDown(instance: RunningInstance, options: ShutDownOptions): Promise<boolean> {
  const { plugin, deadline, log } = options;
  const { attachment } = instance;
  const cutOff = `plugin ${plugin}, which shares the thread, had to be cut off`;
  while (attachment.unfinished > 0 && !instance.hasEnded && performance.now() < deadline) {
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
  if (attachment.unfinished > 0 && !instance.hasEnded) {
    log.error('plugin cut off', { plugin, unfinished: attachment.unfinished });
    await options.kill(cutOff);
    return false;
  }
  const left = Math.max(shutdownMs.least, deadline - performance.now());
  const timeoutMs = Math.min(shutdownMs.most, left);
  if (!instance.hasEnded) instance.stop();
  const end = await within(timeoutMs, instance.ended);
  if (end === late) {
    const reason = `a step or pulp_shutdown still runs after ${Math.round(timeoutMs)} ms`;
    log.error('plugin cut off', { plugin, reason });
    await options.kill(cutOff);
    return false;
  }
  if (end.state === 'stopped' && end.code === 0) return true;
  const reason = end.state === 'stopped' ? `pulp_shutdown returned ${end.code}` : describe(end);
  log.error('plugin did not shut down in order', { plugin, reason });
  return false;
}
