import { execFile } from 'node:child_process';
import { chmod, mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** How long a program may take to say its version, in milliseconds. */
const tryMs = 30_000;

/** What is to be inside: a text, or the content of a file. */
export type AssetSource = { readonly text: string } | { readonly file: string };

export interface Executable {
  /** The program, as the text of a module. */
  readonly code: string;
  /** What else is inside, by key. */
  readonly assets: ReadonlyMap<string, AssetSource>;
  /** Where it goes. A file that is there is replaced once the new one has shown that it runs. */
  readonly output: string;
}

/**
 * Makes a single executable: this very Node, with the program and its assets inside (Node's documentation, "Single
 * executable applications"). Rejects when it cannot be made, or does not run.
 */
export async function writeExecutable({ code, assets, output }: Executable): Promise<void> {
  const target = resolve(output);
  // Beside the target, so that it can be renamed into its place.
  const folder = await mkdtemp(join(dirname(target), `.${basename(target)}-`));
  try {
    const main = join(folder, 'main.mjs');
    await writeFile(main, code);
    const program = join(folder, process.platform === 'win32' ? 'program.exe' : 'program');
    const config = {
      main,
      mainFormat: 'module',
      output: program,
      disableExperimentalSEAWarning: true,
      // What NODE_OPTIONS says is meant for a Node, and not for a program that happens to be one.
      execArgvExtension: 'none',
      assets: await placeAssets(folder, assets),
    };
    const configFile = join(folder, 'sea-config.json');
    await writeFile(configFile, JSON.stringify(config));
    await run(process.execPath, ['--build-sea', configFile]);
    await chmod(program, 0o755);
    const { stdout } = await run(program, ['--version'], { timeout: tryMs }).catch((error: unknown) => {
      throw new Error(`the program does not run: ${error instanceof Error ? error.message : String(error)}`, {
        cause: error,
      });
    });
    if (!stdout.startsWith('pulp ')) {
      throw new Error('the program runs and is not Pulp: its entry has to call main() of pulp-runtime/run');
    }
    await rename(program, target);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function placeAssets(
  folder: string,
  assets: Executable['assets'],
): Promise<Readonly<Record<string, string>>> {
  const placed: Record<string, string> = {};
  for (const [key, asset] of assets) {
    if ('file' in asset) placed[key] = asset.file;
    else {
      const file = join(folder, `asset-${Object.keys(placed).length}`);
      await writeFile(file, asset.text);
      placed[key] = file;
    }
  }
  return placed;
}
