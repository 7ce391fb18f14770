import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Context } from './measurement.ts';
import { exchange } from './connection.ts';
import { ServerProcess } from './server-process.ts';
import { TemporaryFolder } from './temporary-folder.ts';

const root = join(import.meta.dirname, '..', '..');

/** What every server is asked for. Its answer is the last segment. */
export const echoPath = '/echo/hello';

/** A server that is measured. */
export interface Subject {
  readonly key: 'ceiling' | 'echo' | 'echo-go';
  /** As the table calls it. */
  readonly name: string;
  start(): Promise<ServerProcess>;
}

/** Node's HTTP server without anything: what the others are measured against. */
export const ceiling: Subject = {
  key: 'ceiling',
  name: 'bare node:http',
  start: () =>
    ServerProcess.start({
      name: 'bare node:http',
      args: [join('bench', 'support', 'bare-server.js')],
      cwd: root,
      listening: /^listening on 127\.0\.0\.1:(\d+)$/m,
    }),
};

/**
 * The echo plugins behind the real command line, as far as they are built. One that is not is left out, with
 * a line that says so and is returned among `skipped`.
 *
 * @param flags Further flags of the command line.
 */
export async function plugins(
  { log }: Context,
  flags: readonly string[] = [],
): Promise<{ subjects: Subject[]; skipped: string[] }> {
  const all: readonly Subject[] = [
    { key: 'echo', name: 'echo (AssemblyScript)', start: () => startPlugin('echo', flags) },
    { key: 'echo-go', name: 'echo (Go)', start: () => startPlugin('echo-go', flags) },
  ];
  const built = ({ key }: Subject): boolean => existsSync(join(root, 'plugins', key, 'build', `${key}.wasm`));
  const skipped = all
    .filter((subject) => !built(subject))
    .map(({ key, name }) => `${name} was skipped: plugins/${key} is not built (is its compiler installed?)`);
  for (const line of skipped) log(line);
  return { subjects: all.filter(built), skipped };
}

function startPlugin(key: string, more: readonly string[]): Promise<ServerProcess> {
  const storage = new TemporaryFolder();
  const manifest = join('plugins', key, 'pulp.plugin.toml');
  const listen = ['-http-port', '0', '-http-host', '127.0.0.1'];
  const output = ['-storage-root', storage.path, '-log-format', 'text'];
  return ServerProcess.start({
    name: `pulp with plugins/${key}`,
    args: [join('runtime', 'bin', 'pulp.js'), '-manifest', manifest, ...listen, ...output, ...more],
    cwd: root,
    listening: /msg="http server started" addr=127\.0\.0\.1:(\d+)/,
    owns: storage,
  });
}

/**
 * Makes sure that a server's answer is the ceiling's, byte for byte but for the date: otherwise the two would
 * be compared at different work. Throws with both answers when they differ.
 */
export async function checkSameAnswer(
  server: ServerProcess,
  reference: ServerProcess,
  name: string,
): Promise<void> {
  const [found, expected] = await Promise.all([answerOf(server), answerOf(reference)]);
  checkSame({ found, expected, names: [name, 'the ceiling'] });
}

/** The same for answers that are there already. */
export function checkSame({
  found,
  expected,
  names,
}: {
  readonly found: string;
  readonly expected: string;
  readonly names: readonly [string, string];
}): void {
  const [own, other] = [found, expected].map((answer) => answer.replace(/^date: [^\r]*\r\n/im, ''));
  if (own === other) return;
  throw new Error(
    `${names.join(' and ')} answer differently, so they cannot be compared:\n${found}\n${expected}`,
  );
}

async function answerOf({ port }: ServerProcess): Promise<string> {
  return (await exchange(port, echoPath)).bytes.toString('latin1');
}
