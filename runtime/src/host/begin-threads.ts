import type { HostOptions } from './host.ts';
import { PluginThreads } from './plugin-threads.ts';
import { setUpMsOf } from '../capabilities/set-up.ts';

/**
 * The plugin threads of a host that is about to start, the first of which begins at once: it takes as long as all else of
 * a start. Whoever starts no host with them has to dismiss them.
 */
export function beginThreads({
  manifest,
  pluginThreads = 16,
  extensions = [],
  startTimeoutMs = 30_000,
}: HostOptions): PluginThreads {
  const loadMs = setUpMsOf(startTimeoutMs);
  const threads = new PluginThreads({
    max: pluginThreads,
    extensions: extensions.map(({ name, module }) => ({ name, module, loadMs })),
  });
  threads.prepare([manifest].flat().length);
  return threads;
}
