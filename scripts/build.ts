/** `npm run build`: the runtime and every example plugin, each only if it is older than its sources. */
import { buildPlugins } from './build-plugins.ts';
import { buildRuntime } from './build-runtime.ts';

try {
  await buildRuntime();
  await buildPlugins();
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}
