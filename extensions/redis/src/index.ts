import { defineCapability, type Imports } from 'pulp-runtime/ext';
import { options } from './options.ts';
import { events } from './wire.ts';

/** The functions, as guests import them. */
export const imports = {
  // key -> value
  redis_get: { params: ['in', 'out'], waits: true },
  // {key, value, ttl_ms?, if?}
  redis_set: { params: ['in'], waits: true },
  // {keys} -> how many were there
  redis_del: { params: ['in', 'out'], waits: true },
  // {key, by?} -> the new value
  redis_incr: { params: ['in', 'out'], waits: true },
  // {key, ttl_ms}
  redis_expire: { params: ['in'], waits: true },
  // {channel, payload} -> how many received it
  redis_publish: { params: ['in', 'out'], waits: true },
  // channel
  redis_subscribe: { params: ['in'], waits: true },
  // channel
  redis_unsubscribe: { params: ['in'] },
} as const satisfies Imports;

/** `redis`: keys, counters, and publish and subscribe, below a prefix of the plugin's own. */
export const capability = defineCapability({
  module: import.meta.url,
  name: 'redis',
  imports,
  events,
  options,
  async guest(context) {
    const { guest } = await import('./guest.ts');
    return guest(context);
  },
  async edge(context) {
    const { edge } = await import('./edge.ts');
    return edge(context);
  },
});
