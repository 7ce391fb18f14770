import { spawn } from 'node:child_process';
import { text } from 'node:stream/consumers';
import { entry, environment } from './pulp-process.ts';
import { patiently } from './patiently.ts';

/** What a command said, and its exit code. */
export interface CommandEnd {
  readonly code: number | null;
  readonly out: string;
  readonly errors: string;
}

/** Runs `pulp` with these arguments until it ends. Its standard output is no terminal. */
export async function pulpCommand(argv: readonly string[]): Promise<CommandEnd> {
  const child = spawn(process.execPath, [entry, ...argv], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: environment(),
  });
  const { promise, resolve } = Promise.withResolvers<number | null>();
  child.once('close', resolve);
  const all = Promise.all([promise, text(child.stdout), text(child.stderr)]);
  const [code, out, errors] = await patiently(all, () => {
    child.kill('SIGKILL');
    return `pulp ${argv.join(' ')} does not end`;
  });
  return { code, out, errors };
}
