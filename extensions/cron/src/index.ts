import { defineCapability } from 'pulp-runtime/ext';
import { systemClock } from './clock.ts';
import { options } from './options.ts';
import { CronPlugin, events } from './plugin-end.ts';

/** `cron`: events at the times that a manifest names in cron syntax. */
export const capability = defineCapability({
  module: import.meta.url,
  name: 'cron',
  imports: {},
  events,
  options,
  edge({ log }) {
    return { plugin: (port) => new CronPlugin({ port, log, clock: systemClock }) };
  },
});
