import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type WatGuest, watGuest } from '../../test/support/wat-guest.ts';
import { ServerProcess } from './server-process.ts';
import { TemporaryFolder } from './temporary-folder.ts';

export interface WatPlugin {
  readonly name: string;
  readonly guest: WatGuest;
  readonly capabilities: readonly string[];
  /** Further lines of the manifest. */
  readonly options?: string;
}

const root = join(import.meta.dirname, '..', '..');
/** The form in which it says where it listens. */
const textLog = ['-log-format', 'text'];

/** A plugin of little more than the calls that are measured, behind the real command line. */
export async function startWatPlugin({
  name,
  guest,
  capabilities,
  options = '',
}: WatPlugin): Promise<ServerProcess> {
  const folder = new TemporaryFolder();
  const manifest = join(folder.path, 'pulp.plugin.toml');
  await writeFile(join(folder.path, 'plugin.wasm'), await watGuest(guest));
  await writeFile(
    manifest,
    `name = "${name}"\nversion = "1"\ncapabilities = ${JSON.stringify(capabilities)}\n${options}\n`,
  );
  const listen = ['-http-port', '0', '-http-host', '127.0.0.1', '-max-connections', '20000'];
  const storage = ['-storage-root', join(folder.path, 'data')];
  return ServerProcess.start({
    name: `pulp with the plugin ${name}`,
    args: [join('runtime', 'bin', 'pulp.js'), '-manifest', manifest, ...listen, ...storage, ...textLog],
    cwd: root,
    listening: /msg="http server started" addr=127\.0\.0\.1:(\d+)/,
    owns: folder,
  });
}
