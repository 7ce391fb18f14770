import { z } from 'zod';

/** The keys of `[redis]`. */
export const options = {
  /**
   * What stands before every key and channel of the plugin. Its name and a colon unless given; plugins with one prefix
   * share keys and channels.
   */
  prefix: z.string().max(256).optional(),
  /** How long a command may take, connecting included, in milliseconds: then code 5. */
  timeout_ms: z.number().int().min(1).max(60_000).default(5000),
  /** Bytes of a value or message, sent or received. */
  max_value_bytes: z
    .number()
    .int()
    .min(1)
    .max(64 * 2 ** 20)
    .default(2 ** 20),
  /** Channels that the plugin may be subscribed to. */
  max_channels: z.number().int().min(0).max(10_000).default(100),
  /** Commands that may be under way at a time. */
  max_pending: z.number().int().min(1).max(10_000).default(256),
};

/** What the manifest's table comes to. */
export interface RedisOptions {
  readonly prefix?: string | undefined;
  readonly timeout_ms: number;
  readonly max_value_bytes: number;
  readonly max_channels: number;
  readonly max_pending: number;
}

/**
 * What stands before the keys and channels of a plugin. A colon in its name is written as `%3A`: otherwise `b:c` of a
 * plugin `a` would be `c` of a plugin `a:b`.
 */
export function prefixOf(plugin: string, { prefix }: RedisOptions): Buffer {
  return Buffer.from(prefix ?? `${plugin.replaceAll('%', '%25').replaceAll(':', '%3A')}:`);
}
