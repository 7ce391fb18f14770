/**
 * Builds the example plugins: `node scripts/build-plugins.ts [name…]`, all of them without a name.
 *
 * What a folder below `plugins/` holds says how it is built: `asconfig.json` is AssemblyScript, `go.mod` is Go.
 * The result is `plugins/<name>/build/<name>.wasm`, which git does not keep.
 */
import { execFile } from 'node:child_process';
import { mkdir, readdir, rename, rm, stat, utimes } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { basename, dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(import.meta.dirname, '..');
const pluginsFolder = join(root, 'plugins');
const sdkFolder = join(root, 'sdk', 'assemblyscript');

/** The first Go that has `//go:wasmexport`. */
const minGoMinor = 24;

export interface BuildPluginsOptions {
  /** Names of folders below `plugins/`; all unless given. */
  readonly only?: readonly string[];
}

interface Toolchain {
  readonly name: string;
  /** The file that tells that a plugin is built with it. */
  readonly marker: string;
  /** What a plugin is made from besides its own folder. */
  readonly sources: readonly string[];
  /** Why it can't be used here, or undefined. Asked for at most once a run. */
  missing(): Promise<string | undefined>;
  /** Builds the plugin in `folder` into the file `target`. */
  build(folder: string, target: string): Promise<void>;
}

const assemblyscript: Toolchain = {
  name: 'AssemblyScript',
  marker: 'asconfig.json',
  // The lock file stands for the compiler.
  sources: [sdkFolder, join(root, 'package-lock.json')],
  missing: () => Promise.resolve(undefined),
  async build(folder, target) {
    const asc = fileURLToPath(import.meta.resolve('assemblyscript/bin/asc.js'));
    await run(process.execPath, [asc, '--outFile', relative(folder, target)], { cwd: folder });
  },
};

const go: Toolchain = {
  name: 'Go',
  marker: 'go.mod',
  sources: [join(root, 'sdk', 'go')],
  missing: once(missingGo),
  async build(folder, target) {
    const env = { ...process.env, GOOS: 'wasip1', GOARCH: 'wasm' };
    const flags = ['-buildmode=c-shared', '-trimpath', '-buildvcs=false'];
    await run('go', ['build', ...flags, '-o', target, '.'], { cwd: folder, env });
  },
};

const toolchains: readonly Toolchain[] = [assemblyscript, go];

/**
 * Builds the plugins that are older than their sources, and says so on stderr, a line each.
 *
 * A plugin whose toolchain is not installed is skipped with a line; with `PULP_REQUIRE_TOOLS=1` in the
 * environment it is an error. Rejects with the compiler's words when a build fails, and for an unknown name.
 * Several processes may build at the same time: a plugin's file is always whole.
 */
export async function buildPlugins({ only }: BuildPluginsOptions = {}): Promise<void> {
  const plugins = await findPlugins();
  for (const name of only ?? []) {
    if (!plugins.has(name)) {
      throw new Error(`plugins/${name}: no such plugin; there are: ${[...plugins.keys()].join(', ')}`);
    }
  }
  const queue = [...plugins].filter(([name]) => only === undefined || only.includes(name)).values();
  const work = async (): Promise<void> => {
    for (const [name, toolchain] of queue) await buildPlugin(name, toolchain);
  };
  await Promise.all(Array.from({ length: availableParallelism() }, work));
}

async function findPlugins(): Promise<Map<string, Toolchain>> {
  const plugins = new Map<string, Toolchain>();
  const entries = await readdir(pluginsFolder, { withFileTypes: true });
  for (const { name } of entries.filter((entry) => entry.isDirectory())) {
    const files = await readdir(join(pluginsFolder, name));
    const toolchain = toolchains.find(({ marker }) => files.includes(marker));
    if (toolchain !== undefined) plugins.set(name, toolchain);
  }
  return plugins;
}

async function buildPlugin(name: string, toolchain: Toolchain): Promise<void> {
  const folder = join(pluginsFolder, name);
  const target = join(folder, 'build', `${name}.wasm`);
  const begun = new Date();
  if ((await newest([folder, ...toolchain.sources])) < (await modified(target))) return;
  const missing = await toolchain.missing();
  if (missing !== undefined) {
    if (process.env['PULP_REQUIRE_TOOLS'] === '1') throw new Error(`plugins/${name}: ${missing}`);
    process.stderr.write(`skipped plugins/${name}: ${missing}\n`);
    return;
  }
  process.stderr.write(`building plugins/${name} (${toolchain.name})\n`);
  await mkdir(dirname(target), { recursive: true });
  const unfinished = join(dirname(target), `.${name}-${process.pid}.wasm`);
  try {
    await toolchain.build(folder, unfinished);
    // A source that changed during the build is newer than its result.
    await utimes(unfinished, begun, begun);
    await rename(unfinished, target);
  } catch (cause) {
    await rm(unfinished, { force: true });
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new Error(`plugins/${name}: the build failed: ${reason}`, { cause });
  }
}

/** When the newest file in files and folders was changed, in milliseconds. */
async function newest(paths: readonly string[]): Promise<number> {
  let latest = 0;
  for (const path of paths) {
    if (!(await stat(path)).isDirectory()) {
      latest = Math.max(latest, await modified(path));
      continue;
    }
    const inside = (await readdir(path)).filter((name) => !notSources.has(name) && !name.endsWith('.md'));
    latest = Math.max(latest, await newest(inside.map((name) => join(path, name))));
  }
  return latest;
}

const notSources: ReadonlySet<string> = new Set(['build', 'node_modules', 'test', 'pulp.plugin.toml']);

/** When a file was changed, in milliseconds; 0 when there is none. */
async function modified(path: string): Promise<number> {
  return (await stat(path, { throwIfNoEntry: false }))?.mtimeMs ?? 0;
}

async function missingGo(): Promise<string | undefined> {
  let version: string;
  try {
    version = await run('go', ['env', 'GOVERSION'], { cwd: root });
  } catch {
    return 'Go is not installed';
  }
  const [, major, minor] = /^go(\d+)\.(\d+)/.exec(version) ?? [];
  // A development version names no number; it is new enough.
  if (major !== '1' || Number(minor) >= minGoMinor) return undefined;
  return `Go 1.${minGoMinor} or newer is needed, and ${version.trim()} is installed`;
}

function once<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | undefined;
  return () => (made ??= make());
}

/** Runs a program; gives its stdout, and rejects with all it wrote when it fails. */
function run(
  program: string,
  args: readonly string[],
  options: { readonly cwd: string; readonly env?: NodeJS.ProcessEnv },
): Promise<string> {
  return new Promise((resolve, reject) => {
    execFile(program, args, options, (error, stdout, stderr) => {
      if (error === null) resolve(stdout);
      else
        reject(
          new Error(`${basename(program)}: ${`${stdout}${stderr}`.trim() || error.message}`, {
            cause: error,
          }),
        );
    });
  });
}

if (import.meta.main) {
  const names = process.argv.slice(2);
  try {
    await buildPlugins(names.length === 0 ? {} : { only: names });
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
    process.exitCode = 1;
  }
}
