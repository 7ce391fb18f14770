import { createRequire } from 'node:module';
import { join } from 'node:path';
import { runOwned } from './owned-process.ts';
import { TemporaryFolder } from './temporary-folder.ts';

/** Packages that the project is compared with. It does not depend on them: they are fetched when measured. */
export const rivals = {
  extism: '@extism/extism@1.0.3',
  msgpackr: 'msgpackr@2.1.3',
  msgpack: '@msgpack/msgpack@3.1.3',
} as const;

const installMs = 60_000;

/**
 * Installs packages from the registry into a temporary folder, without running any of their scripts. Rejects
 * with npm's words when that is impossible, such as without a network.
 *
 * @param packages with their versions
 */
export async function installPackages(packages: readonly string[]): Promise<TemporaryFolder> {
  const folder = new TemporaryFolder();
  const quiet = [
    '--no-save',
    '--ignore-scripts',
    '--omit=optional',
    '--no-audit',
    '--no-fund',
    '--loglevel=error',
  ];
  try {
    // npm itself when npm started us; by its name otherwise, for which Windows needs a shell.
    const npm = process.env['npm_execpath'];
    const [program, ...first] = npm?.endsWith('.js') === true ? [process.execPath, npm] : ['npm'];
    const { code, stdout, stderr } = await runOwned(
      program ?? 'npm',
      [...first, 'install', ...quiet, '--prefix', folder.path, ...packages],
      { cwd: folder.path, timeoutMs: installMs, shell: program === 'npm' && process.platform === 'win32' },
    );
    if (code !== 0) throw new Error(firstLine(`${stderr}${stdout}`) || `npm ended with exit code ${code}`);
    return folder;
  } catch (error) {
    await folder[Symbol.asyncDispose]();
    throw error;
  }
}

/** Loads a package from such a folder. The caller knows what it exports. */
export function loadPackage(folder: string, name: string): unknown {
  return createRequire(join(folder, 'package.json'))(name) as unknown;
}

function firstLine(text: string): string {
  return text.trim().split('\n')[0] ?? '';
}
