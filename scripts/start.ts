/**
 * `npm start`: runs the welcome plugin, so that a fresh clone shows something. Flags of `pulp` can be given
 * behind two dashes (`npm start -- -http-port 9090`), variables such as `PULP_HTTP_PORT` work as ever.
 *
 * The command runs in this very process and from source: there is nothing to build but the plugin, what
 * runs is never older than the source, and Ctrl-C has one process less to find its way through.
 */
import { join } from 'node:path';
import { main } from '../runtime/src/cli/main.ts';
import { buildPlugins } from './build-plugins.ts';

const plugin = join(import.meta.dirname, '..', 'plugins', 'welcome');

try {
  await buildPlugins({ only: ['welcome'] });
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exit(1);
}
const code = await main(['run', plugin, ...process.argv.slice(2)], process.env, {
  started: ({ url }) => {
    if (url !== undefined) process.stdout.write(`\nOpen ${url}/ (Ctrl-C ends it)\n\n`);
  },
});
process.exit(code);
