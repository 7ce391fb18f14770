import type { BinaryReader } from './binary-reader.ts';
import { mostFunctionMemory } from './compile-cost.ts';
import { functionMemory, UnknownInstruction } from './function-memory.ts';
import type { Arity, FunctionBody, Surroundings } from './function-memory.ts';
import { ModuleError } from './module-error.ts';
import { readImports } from './module-imports.ts';
import { engineLimits, readFunctions, readTags, readTypes, readValType } from './module-types.ts';
import type { ValType } from './module-types.ts';
import { readSections, sectionId, sectionReader } from './sections.ts';

/**
 * Bytes of memory that compiling one function may take, as {@link functionMemory} tells them. The largest functions of
 * 60 modules from npm come to: SQLite 11 MiB, esbuild 52, PHP 60, Ruby 74, Biome (45 MB) 293; those of Go plugins to 7.
 */
export const maxFunctionMemory = 512 * 1024 * 1024;

const mib = 1024 * 1024;

/**
 * Refuses functions that the engine would need too much memory to compile. It has to come before the engine sees the
 * module: the memory is nobody's heap, and the process ends when there is no more. Nothing else of the code is
 * checked. Small functions are not walked over, since nothing in them could come to that much; for a Go plugin of
 * 3.6 MB it takes 8 ms in a fresh process.
 *
 * @returns for an instruction that is not known here the error to throw if the engine, which says it better, does
 *   not refuse the module
 * @throws {ModuleError} `limit`, or what is wrong with the sections
 */
export function checkCode(bytes: Uint8Array, { name }: { readonly name: string }): ModuleError | undefined {
  const sections = readSections(bytes, { name });
  const read = <T>(id: number, parse: (reader: BinaryReader) => T[]): T[] => {
    const section = sections.find((candidate) => candidate.id === id);
    return section === undefined ? [] : parse(sectionReader(section, { name }));
  };
  const types = read(sectionId.type, readTypes).map(
    (type) => type && { params: type.params.length, results: type.results.length },
  );
  const imports = read(sectionId.import, readImports);
  const arities = (kind: 'func' | 'tag', own: readonly number[]): (Arity | undefined)[] => [
    ...imports.filter((item) => item.kind === kind).map(({ type = -1 }) => types[type]),
    ...own.map((type) => types[type]),
  ];
  const own = read(sectionId.function, readFunctions);
  const surroundings = {
    types,
    functions: arities('func', own),
    tags: arities('tag', read(sectionId.tag, readTags)),
  };
  const first = surroundings.functions.length - own.length;
  const code = sections.find(({ id }) => id === sectionId.code);
  if (code === undefined) return undefined;
  return checkFunctions(sectionReader(code, { name }), { name, base: code.offset, first, surroundings });
}

const numbers: ReadonlySet<ValType> = new Set(['i32', 'i64', 'f32', 'f64', 'v128']);

interface Functions {
  readonly name: string;
  /** Where the code section begins. */
  readonly base: number;
  /** Index of the first function that is not imported. */
  readonly first: number;
  readonly surroundings: Surroundings;
}

function checkFunctions(
  reader: BinaryReader,
  { name, base, first, surroundings }: Functions,
): ModuleError | undefined {
  const most = mostPushed(surroundings);
  let unknown: ModuleError | undefined;
  const count = reader.count('functions', engineLimits.items);
  for (let index = first; index < first + count; index += 1) {
    const size = reader.u32();
    const end = reader.offset + size;
    const body = readBody(reader, end, surroundings.functions[index]);
    if (mostFunctionMemory(size, body.locals, most) <= maxFunctionMemory) continue;
    const where = `${name}: function ${index}, which ends at byte ${base + end},`;
    try {
      checkFunction(body, surroundings, where);
    } catch (error) {
      if (!(error instanceof UnknownInstruction)) throw error;
      unknown ??= new ModuleError(
        'feature',
        `${where} has an instruction that is not known here, ${error.message}; ` +
          'build it without experimental WebAssembly features',
        { cause: error },
      );
    }
  }
  return unknown;
}

/** The most values that an instruction of two bytes can push: what a call gives or a handler is given. */
function mostPushed({ types, tags }: Surroundings): number {
  let most = 1;
  for (const type of types) most = Math.max(most, type?.results ?? 0);
  for (const tag of tags) most = Math.max(most, tag?.params ?? 0);
  return most;
}

function readBody(reader: BinaryReader, end: number, arity: Arity | undefined): FunctionBody {
  let locals = arity?.params ?? 0;
  // Some of them may be; at worst that makes them a little dearer.
  let references = locals;
  for (let groups = reader.u32(); groups > 0; groups -= 1) {
    const count = reader.u32();
    locals += count;
    if (!numbers.has(readValType(reader))) references += count;
    if (locals > engineLimits.locals) {
      throw reader.error('limit', `${locals} locals, more than the ${engineLimits.locals} that engines take`);
    }
  }
  if (reader.offset > end) throw reader.error('malformed', 'a function is shorter than its locals');
  return { bytes: reader.take(end - reader.offset), locals, references };
}

function checkFunction(body: FunctionBody, surroundings: Surroundings, where: string): void {
  const { bytes, places, depth, height } = functionMemory(body, surroundings);
  if (bytes <= maxFunctionMemory) return;
  const figures = [
    `${body.bytes.length} bytes of code`,
    `${body.locals} locals`,
    `${height} operands`,
    `${places} branches and blocks, up to ${depth} within one another`,
  ];
  throw new ModuleError(
    'limit',
    `${where} would take about ${Math.ceil(bytes / mib)} MiB of memory to compile, more than ` +
      `${maxFunctionMemory / mib}: it has ${figures.join(', ')}; split it, or build with optimization`,
  );
}
