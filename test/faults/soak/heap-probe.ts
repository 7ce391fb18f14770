/**
 * Runs in the process of the host before the command line does, and says over its channel how much of the engine's
 * heap is in use once everything that nobody needs has been collected.
 */
process.on('message', () => {
  globalThis.gc?.();
  process.send?.(process.memoryUsage().heapUsed);
});
// The channel alone keeps no host alive.
process.channel?.unref();
