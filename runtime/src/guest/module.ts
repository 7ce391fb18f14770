import { BinaryReader } from './binary-reader.ts';
import { ModuleError } from './module-error.ts';
import { readImports, readKind, readMemories } from './module-imports.ts';
import type { ExternKind, Limits, RawImport } from './module-imports.ts';
import { engineLimits, readFunctions, readTypes } from './module-types.ts';
import type { FuncType, ValType } from './module-types.ts';
import { readSections, sectionId, sectionReader } from './sections.ts';
import type { Section } from './sections.ts';

export { ModuleError };

/** Something that a module wants from the host. */
export interface ModuleImport {
  readonly module: string;
  readonly name: string;
  readonly kind: ExternKind;
  /** Of functions. */
  readonly params?: readonly ValType[];
  /** Of functions. */
  readonly results?: readonly ValType[];
  /** Of memories and tables. */
  readonly limits?: Limits;
}

/** Something that a module gives to the host. */
export interface ModuleExport {
  readonly name: string;
  readonly kind: ExternKind;
  /** Of functions. */
  readonly params?: readonly ValType[];
  /** Of functions. */
  readonly results?: readonly ValType[];
}

/** A linear memory; sizes in pages of 64 KiB. */
export interface ModuleMemory extends Limits {
  /** The host would have to bring it. */
  readonly imported: boolean;
}

/** What the host has to know of a module before it compiles it. */
export interface ModuleInfo {
  /** The name that it was read under: errors begin with it. */
  readonly name: string;
  readonly imports: readonly ModuleImport[];
  readonly exports: readonly ModuleExport[];
  /** Its first memory, the only one that plugins may have: see `checkExports`. */
  readonly memory?: ModuleMemory;
  /** All of its memories, imported ones first. */
  readonly memories: readonly ModuleMemory[];
  /** It defines struct or array types, whose objects live in the engine's heap. */
  readonly heapTypes: boolean;
  /** It has a start section, which runs before any export can be called. */
  readonly start: boolean;
  /**
   * The Go compiler made it: never ask its `pulp_alloc` for fewer than 64 bytes (contract section 2).
   */
  readonly goBuilt: boolean;
}

/**
 * Reads what a module imports, exports and is made of, from its binary. Code and data are not looked at:
 * the engine checks those. Nothing that the bytes say about lengths is taken on trust.
 *
 * @param options.name what errors call the module, such as its file
 * @throws {ModuleError} when the bytes are no module, are broken, or use a feature that is unknown here
 */
export function readModule(bytes: Uint8Array, { name }: { readonly name: string }): ModuleInfo {
  const sections = readSections(bytes, { name });
  const read = <T>(id: number, parse: (reader: BinaryReader) => T[]): T[] => {
    const section = sections.find((candidate) => candidate.id === id);
    if (section === undefined) return [];
    const reader = sectionReader(section, { name });
    const items = parse(reader);
    if (!reader.atEnd) throw reader.error('malformed', 'there are bytes behind the last entry');
    return items;
  };
  const types = read(sectionId.type, readTypes);
  const rawImports = read(sectionId.import, readImports);
  const functions = [
    ...rawImports.flatMap(({ kind, type }) => (kind === 'func' && type !== undefined ? [type] : [])),
    ...read(sectionId.function, readFunctions),
  ];
  const memories = [
    ...rawImports.flatMap(({ kind, limits }) =>
      kind === 'memory' && limits !== undefined ? [resolveMemory(limits, true)] : [],
    ),
    ...read(sectionId.memory, readMemories).map((limits) => resolveMemory(limits, false)),
  ];
  const typeAt: TypeAt = (index, where) => {
    const type = index === undefined ? undefined : types[index];
    if (type === undefined) throw new ModuleError('malformed', `${name}: ${where} has no function type`);
    return type;
  };
  const [memory] = memories;
  return {
    name,
    imports: rawImports.map((raw) => resolveImport(raw, typeAt)),
    exports: read(sectionId.export, readExports).map((raw) => resolveExport(raw, functions, typeAt)),
    ...(memory && { memory }),
    memories,
    heapTypes: types.includes(undefined),
    start: sections.some(({ id }) => id === sectionId.start),
    goBuilt: sections.some((section) => section.id === sectionId.custom && namesGo(section, name)),
  };
}

/** Finds a function type by its index; `where` is for the error. */
type TypeAt = (index: number | undefined, where: string) => FuncType;

function resolveImport({ module, name, kind, type, limits }: RawImport, typeAt: TypeAt): ModuleImport {
  if (kind === 'func') return { module, name, kind, ...typeAt(type, `import ${module}.${name}`) };
  return { module, name, kind, ...(limits && { limits: plain(limits) }) };
}

function resolveExport(
  { name, kind, index }: RawExport,
  functions: readonly number[],
  typeAt: TypeAt,
): ModuleExport {
  if (kind !== 'func') return { name, kind };
  return { name, kind, ...typeAt(functions[index], `export ${name}`) };
}

function resolveMemory(limits: Limits, imported: boolean): ModuleMemory {
  return { ...plain(limits), imported };
}

/** Limits without their place in the binary, which is nobody else's business. */
function plain({ min, max, shared, is64 }: Limits): Limits {
  return { min, ...(max !== undefined && { max }), shared, is64 };
}

/** An export as the binary has it. */
interface RawExport {
  readonly name: string;
  readonly kind: ExternKind;
  readonly index: number;
}

function readExports(reader: BinaryReader): RawExport[] {
  const count = reader.count('exports', engineLimits.items);
  const exports: RawExport[] = [];
  for (let index = 0; index < count; index += 1) {
    exports.push({ name: reader.text(), kind: readKind(reader, 'export'), index: reader.u32() });
  }
  return exports;
}

/**
 * Whether a custom section says that Go made the module: Go's linker leaves a `go:buildid`, and names itself
 * under `language` and `processed-by` in `producers` (tool conventions, ProducersSection.md).
 */
function namesGo(section: Section, name: string): boolean {
  const reader = sectionReader(section, { name });
  try {
    const title = reader.text();
    if (title === 'go:buildid') return true;
    return title === 'producers' && producedByGo(reader);
  } catch (error) {
    // What a custom section holds never makes a module invalid.
    if (error instanceof ModuleError) return false;
    throw error;
  }
}

function producedByGo(reader: BinaryReader): boolean {
  const fields = reader.count('fields', engineLimits.items);
  for (let field = 0; field < fields; field += 1) {
    const key = reader.text();
    const values = reader.count('values', engineLimits.items);
    for (let index = 0; index < values; index += 1) {
      const value = reader.text();
      reader.text(); // its version
      if (key === 'language' && value === 'Go') return true;
      if (key === 'processed-by' && value.startsWith('Go ')) return true;
    }
  }
  return false;
}
