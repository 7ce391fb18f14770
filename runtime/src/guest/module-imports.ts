import type { BinaryReader } from './binary-reader.ts';
import { engineLimits, readValType } from './module-types.ts';

/** What imports and exports can be. */
export type ExternKind = 'func' | 'table' | 'memory' | 'global' | 'tag';

const kinds: readonly ExternKind[] = ['func', 'table', 'memory', 'global', 'tag'];

/** Limits of a memory, in pages of 64 KiB, or of a table, in elements. */
export interface Limits {
  readonly min: number;
  readonly max?: number;
  readonly shared: boolean;
  readonly is64: boolean;
}

/** Limits and where in the section they stand, for the one who rewrites them. */
export interface PlacedLimits extends Limits {
  readonly flags: number;
  readonly start: number;
  readonly end: number;
}

/** An import as the binary has it: functions by the index of their type. */
export interface RawImport {
  readonly module: string;
  readonly name: string;
  readonly kind: ExternKind;
  /** For functions and tags. */
  readonly type?: number;
  /** For memories and tables. */
  readonly limits?: PlacedLimits;
}

/**
 * Reads an import section.
 *
 * @see WebAssembly Core Specification 3.0, section 5.5.5
 */
export function readImports(reader: BinaryReader): RawImport[] {
  const count = reader.count('imports', engineLimits.items);
  const imports: RawImport[] = [];
  for (let index = 0; index < count; index += 1) {
    const names = { module: reader.text(), name: reader.text() };
    imports.push({ ...names, ...readImportType(reader) });
  }
  return imports;
}

function readImportType(reader: BinaryReader): Omit<RawImport, 'module' | 'name'> {
  const kind = readKind(reader, 'import');
  switch (kind) {
    case 'func':
      return { kind, type: reader.u32() };
    case 'table':
      readValType(reader);
      return { kind, limits: readLimits(reader) };
    case 'memory':
      return { kind, limits: readLimits(reader) };
    case 'global':
      readValType(reader);
      reader.u8(); // mutability
      return { kind };
    case 'tag':
      break;
  }
  reader.u8(); // attribute
  return { kind, type: reader.u32() };
}

/** Reads the kind of an import or export. */
export function readKind(reader: BinaryReader, what: string): ExternKind {
  const byte = reader.u8();
  const kind = kinds[byte];
  if (kind === undefined) {
    throw reader.error('feature', `${what} of an unknown kind, 0x${byte.toString(16).padStart(2, '0')}`);
  }
  return kind;
}

/** Reads the memory section. */
export function readMemories(reader: BinaryReader): PlacedLimits[] {
  const count = reader.count('memories', engineLimits.items);
  const memories: PlacedLimits[] = [];
  for (let index = 0; index < count; index += 1) memories.push(readLimits(reader));
  return memories;
}

/** Reads the table section. */
export function readTables(reader: BinaryReader): PlacedLimits[] {
  const count = reader.count('tables', engineLimits.items);
  const tables: PlacedLimits[] = [];
  for (let index = 0; index < count; index += 1) {
    readValType(reader);
    tables.push(readLimits(reader));
  }
  return tables;
}

/** Bits of the byte that limits begin with. */
export const limitFlags = { max: 1, shared: 2, is64: 4, pageSize: 8 } as const;

function readLimits(reader: BinaryReader): PlacedLimits {
  const start = reader.offset;
  const flags = reader.u8();
  if ((flags & limitFlags.pageSize) !== 0) {
    throw reader.error('feature', 'memory with a page size of its own, which this engine does not have');
  }
  if (flags > 7) throw reader.error('feature', `limits of an unknown form, 0x${flags.toString(16)}`);
  const is64 = (flags & limitFlags.is64) !== 0;
  const shared = (flags & limitFlags.shared) !== 0;
  const min = is64 ? reader.u64() : reader.u32();
  const hasMax = (flags & limitFlags.max) !== 0;
  const max = hasMax ? { max: is64 ? reader.u64() : reader.u32() } : {};
  return { min, ...max, shared, is64, flags, start, end: reader.offset };
}
