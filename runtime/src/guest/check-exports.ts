import { ModuleError } from './module-error.ts';
import type { ModuleExport, ModuleInfo } from './module.ts';
import type { FuncType, ValType } from './module-types.ts';

const i32s = (count: number): ValType[] => Array.from({ length: count }, () => 'i32');
const number: FuncType = { params: [], results: ['i32'] };
const nothing: FuncType = { params: [], results: [] };
const probe: FuncType = { params: [], results: ['i64'] };

/** Functions that every plugin exports (contract section 2), and the signatures they may have. */
const required = new Map<string, readonly FuncType[]>([
  ['pulp_alloc', [{ params: i32s(1), results: i32s(1) }]],
  ['pulp_init', [{ params: i32s(2), results: i32s(1) }]],
  ['pulp_step', [{ params: i32s(2), results: i32s(1) }]],
  ['pulp_shutdown', [number]],
]);

const optional = new Map<string, readonly FuncType[]>([
  // What it gives back is not looked at: some allocators' own free gives something.
  [
    'pulp_free',
    [
      { params: i32s(2), results: [] },
      { params: i32s(2), results: i32s(1) },
    ],
  ],
  ['_initialize', [nothing]],
  ['_start', [nothing]],
  ['pulp_on_call', [{ params: i32s(6), results: i32s(1) }]],
  ['pulp_init_error_ptr', [number]],
  ['pulp_init_error_len', [number]],
  ['pulp_on_call_error_ptr', [number]],
  ['pulp_on_call_error_len', [number]],
  ['probe_last_call', [probe]],
  ['probe_config_marker', [probe]],
]);

/**
 * Holds what a module exports, and its memory, against the plugin contract. All that is wrong is said at once.
 *
 * @throws {ModuleError} `missing-exports`, `wrong-signature` or `memory`: the first of them that applies
 */
export function checkExports(info: ModuleInfo): void {
  const exports = new Map(info.exports.map((item) => [item.name, item]));
  const missing = ['memory', ...required.keys()].filter((name) => !exports.has(name));
  const wrong = wrongSignatures(exports);
  const memory = memoryProblems(info);
  const problems: string[] = [];
  if (missing.length > 0) {
    problems.push(`it does not export ${missing.join(', ')}, which every plugin must export`);
  }
  problems.push(...wrong, ...memory);
  if (problems.length === 0) return;
  const rest = wrong.length > 0 ? 'wrong-signature' : 'memory';
  throw new ModuleError(
    missing.length > 0 ? 'missing-exports' : rest,
    `${info.name}: this module is not a plugin: ${problems.join('; ')}`,
  );
}

function wrongSignatures(exports: ReadonlyMap<string, ModuleExport>): string[] {
  const problems: string[] = [];
  const memory = exports.get('memory');
  if (memory !== undefined && memory.kind !== 'memory') {
    problems.push(`export memory must be a memory, but it is a ${memory.kind}`);
  }
  for (const [name, signatures] of [...required, ...optional]) {
    const found = exports.get(name);
    if (found === undefined) continue;
    const text = describe(found);
    const expected = signatures.map((signature) => describeFunction(signature));
    if (!expected.includes(text)) {
      problems.push(`export ${name} must be ${expected.join(' or ')}, but it is ${text}`);
    }
  }
  return problems;
}

function memoryProblems({ memories }: ModuleInfo): string[] {
  const problems: string[] = [];
  if (memories.length > 1) {
    problems.push(`it has ${memories.length} memories, but a plugin has one; build it without multi-memory`);
  }
  if (memories.some(({ shared }) => shared)) {
    problems.push('its memory is shared; build it without threads');
  }
  if (memories.some(({ is64 }) => is64)) {
    problems.push('its memory is 64-bit; build it for wasm32');
  }
  return problems;
}

function describe({ kind, params, results }: ModuleExport): string {
  return params && results ? describeFunction({ params, results }) : `a ${kind}`;
}

function describeFunction({ params, results }: FuncType): string {
  return `(${params.join(', ')}) -> (${results.join(', ')})`;
}
