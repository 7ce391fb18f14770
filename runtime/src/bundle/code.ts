import { isBuiltin } from 'node:module';
import { fileURLToPath } from 'node:url';
import type { Plugin } from 'rolldown';

const suffix = import.meta.url.endsWith('.ts') ? 'ts' : 'js';

/** Absolute paths of modules of this package, whichever way it runs: from source or built. */
const runtime = {
  root: fileURLToPath(new URL('../', import.meta.url)),
  run: fileURLToPath(new URL(`../run.${suffix}`, import.meta.url)),
  thread: fileURLToPath(new URL(`../plugin-thread/bundled.${suffix}`, import.meta.url)),
};

/** What the program and its extensions import of this package: they get the copy that bundles them. */
const entries: ReadonlyMap<string, string> = new Map(
  [
    ['pulp-runtime', 'index'],
    ['pulp-runtime/ext', 'ext'],
    ['pulp-runtime/run', 'run'],
  ].map(([name = '', file = '']) => [name, fileURLToPath(new URL(`../${file}.${suffix}`, import.meta.url))]),
);

/** The program in one module, and the modules in it that may export capabilities. */
export interface ProgramCode {
  readonly code: string;
  /** Absolute paths. */
  readonly extensions: readonly string[];
}

/** Bundles a program whose module calls `main` of `pulp-runtime/run`. Rejects with the bundler's words. */
export async function bundleProgram(entry: string): Promise<ProgramCode> {
  return bundleText(`import ${JSON.stringify(entry)};`);
}

/** Bundles the plain `pulp` command with these extensions. */
export async function bundleCommand(extensions: readonly string[]): Promise<ProgramCode> {
  const names = extensions.map((_, index) => `e${index}`);
  return bundleText(
    [
      `import { main } from ${JSON.stringify(runtime.run)};`,
      ...importsOf(extensions),
      `await main({ extensions: [${names.join(', ')}] });`,
    ].join('\n'),
  );
}

/** Bundles what the plugin threads of such a program run. */
export async function bundleThread(extensions: readonly string[]): Promise<string> {
  const names = extensions.map((_, index) => `e${index}`);
  const { code } = await bundleText(
    [
      `import { runBundledThread } from ${JSON.stringify(runtime.thread)};`,
      ...importsOf(extensions),
      `await runBundledThread([${names.join(', ')}]);`,
    ].join('\n'),
  );
  return code;
}

function importsOf(extensions: readonly string[]): readonly string[] {
  return extensions.map((path, index) => `import { capability as e${index} } from ${JSON.stringify(path)};`);
}

/** The name of the module that stands for the text given. */
const input = 'pulp:program';

async function bundleText(text: string): Promise<ProgramCode> {
  // Only here: nobody else needs it, and it is large.
  const { rolldown } = await import('rolldown');
  const extensions = new Set<string>();
  const bundle = await rolldown({
    input,
    platform: 'node',
    plugins: [given(text), ofThisPackage, missing, finding(extensions)],
    onLog(level, { message }) {
      if (level === 'warn') process.stderr.write(`${message}\n`);
    },
  });
  try {
    const { output } = await bundle.generate({ format: 'esm', codeSplitting: false });
    return { code: anchored(output[0].code), extensions: [...extensions] };
  } finally {
    await bundle.close();
  }
}

/** In a bundled program a module has no place; what still asks for built-in modules by `require` asks from the program. */
function anchored(code: string): string {
  return code.replaceAll('createRequire(import.meta.url)', 'createRequire(process.execPath)');
}

function given(text: string): Plugin {
  return {
    name: 'pulp:given',
    resolveId: (id) => (id === input ? id : undefined),
    load: (id) => (id === input ? text : undefined),
  };
}

const ofThisPackage: Plugin = {
  name: 'pulp:runtime',
  resolveId: (id) => entries.get(id),
};

/**
 * What cannot be found is an error. Only what is asked for at run time, such as an optional package, stays missing as it
 * was for the one who bundled: otherwise the program would take what stands in a `node_modules` near it.
 */
const missing: Plugin = {
  name: 'pulp:missing',
  async resolveId(id, importer, { kind }) {
    if (id === input || isBuiltin(id)) return undefined;
    const found = await this.resolve(id, importer, { skipSelf: true, kind });
    if (found !== null) return found;
    if (kind === 'require-call' || kind === 'dynamic-import') return `\0missing:${id}`;
    throw new Error(
      importer === input
        ? `there is no ${id}`
        : `${importer ?? 'the program'} imports ${id}, which cannot be found`,
    );
  },
  load(id) {
    if (!id.startsWith('\0missing:')) return undefined;
    const reason = JSON.stringify(`Cannot find module ${id.slice('\0missing:'.length)}`);
    return `throw Object.assign(new Error(${reason}), { code: 'MODULE_NOT_FOUND' });`;
  },
};

/** A module that exports something of that name: an extension, or nothing that does harm. */
const exportsCapability =
  /\bexport\s+(?:const|let|var|function|class)\s+capability\b|\bexport\s*\{[^}]*\bcapability\b/;

/** Notes the modules that may export capabilities: plugin threads need them, too. */
function finding(extensions: Set<string>): Plugin {
  return {
    name: 'pulp:extensions',
    transform(code, id) {
      const own = id.startsWith(runtime.root);
      if (!own && id !== input && exportsCapability.test(code)) extensions.add(id);
      return undefined;
    },
  };
}
