/**
 * Where a plugin is between its starts. `crashed`: the instance has ended, and what it leaves is settled in the next
 * turn. `waiting`: the next one starts after a while. `open`: after a long while. `over`: the host is stopping, or the
 * plugin may not be started again.
 */
export type Phase = 'starting' | 'ready' | 'crashed' | 'waiting' | 'open' | 'stopping' | 'stopped' | 'over';

/** Whether the plugin was asked to end, or has. */
export function isEnding(phase: Phase): boolean {
  return phase === 'stopping' || phase === 'stopped' || phase === 'over';
}

/** Whether nothing runs, and an operator can start it. */
export function isDown(phase: Phase): boolean {
  return phase === 'stopped' || phase === 'open' || phase === 'waiting' || phase === 'over';
}
