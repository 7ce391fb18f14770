import { ModuleError } from './module-error.ts';

/** Flags of V8 behind which a proposal waits, as its messages name them. */
const flags = new Map<string, string>([
  ['wasmfx', 'stack switching'],
  ['fp16', 'half-precision SIMD'],
  ['shared', 'shared-everything threads'],
  ['custom-descriptors', 'custom descriptors'],
  ['stringref', 'reference-typed strings'],
  ['memory-control', 'memory control'],
]);

/** What is unknown to the engine altogether, by the words of its message. */
const unknown: readonly (readonly [message: RegExp, feature: string])[] = [
  [/invalid numeric opcode:? 0xfc1[3-6]/i, 'wide arithmetic'],
  [/invalid numeric opcode:? 0xfc12/i, 'memory control'],
  [/invalid memory limits flags 0x(?:8|9|c|d)\b/i, 'custom page sizes'],
  [/invalid (?:\w+ )?opcode:? (?<what>0x[0-9a-f]+)/i, 'an instruction that it does not know'],
  [/unknown section code/i, 'a kind of section that it does not know'],
  [/(?:unknown type form|invalid value type)/i, 'a kind of type that it does not know'],
  [/(?:unknown|invalid) import kind/i, 'a kind of import that it does not know'],
];

/**
 * Compiles a module. The promise settles by way of the event loop: compilation runs on other threads.
 *
 * @param options.name what errors call the module, such as its file
 * @throws {ModuleError} `feature`, named where the engine's message lets one recognise it, or `compile` with
 *   the engine's message
 */
export async function compileModule(
  bytes: Uint8Array,
  { name }: { readonly name: string },
): Promise<WebAssembly.Module> {
  try {
    return await WebAssembly.compile(bytes);
  } catch (error) {
    if (!(error instanceof WebAssembly.CompileError)) throw error;
    throw explain(error, name);
  }
}

function explain(error: WebAssembly.CompileError, name: string): ModuleError {
  const said = error.message.replace(/^WebAssembly\.compile\(\): /, '');
  const feature = featureIn(said);
  if (feature === undefined) {
    return new ModuleError('compile', `${name}: the engine refuses this module: ${said}`, { cause: error });
  }
  return new ModuleError(
    'feature',
    `${name}: this module uses ${feature}, which this engine does not have; build it without (${said})`,
    { cause: error },
  );
}

function featureIn(message: string): string | undefined {
  const flag = /--experimental-wasm-(?<flag>[a-z0-9-]+)/.exec(message)?.groups?.['flag'];
  if (flag !== undefined) return flags.get(flag) ?? `the proposal "${flag}"`;
  return unknown.find(([pattern]) => pattern.test(message))?.[1];
}
