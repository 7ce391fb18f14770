import type { OptionsOf } from '../../ext.ts';
import { count, flag } from '../option.ts';

/** The keys of `[transport.sse]`. */
export const options = {
  /** Whether the plugin is told of subscribers as they come and go, and may send to one of them. */
  events: flag({ default: false }),
  /** Time between two comments that keep a quiet stream open, in milliseconds; 0 sends none. */
  keepalive_ms: count({ default: 15_000, min: 0, max: 86_400_000 }),
  /** Subscribers of the plugin at one time; beyond it a request gets 503. */
  max_subscribers: count({ default: 10_000, min: 1, max: 1_000_000 }),
  /**
   * Bytes of events that may wait for a subscriber who does not keep up; beyond it the subscriber is dropped. One
   * event always fits.
   */
  max_buffered_bytes: count({ default: 1_048_576, min: 1024, max: 1_073_741_824 }),
};

export type SseOptions = OptionsOf<typeof options>;
