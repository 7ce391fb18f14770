import type { EdgeContext, EdgeEnd } from 'pulp-runtime/ext';
import type { RedisOptions } from './options.ts';
import { RedisPlugin } from './redis-plugin.ts';

/** The edge end: subscriptions are here, since they outlive the plugin's instances. */
export function edge({ log }: EdgeContext): EdgeEnd<RedisOptions> {
  return { plugin: (port) => new RedisPlugin({ port, log }) };
}
