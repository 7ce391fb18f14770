/** `npm run build`: the packages and every example plugin, each only if it is older than its sources. */
import { buildPlugins } from './build-plugins.ts';
import { buildPackages } from './build-packages.ts';

try {
  await buildPackages();
  await buildPlugins();
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}
