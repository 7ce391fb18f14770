import type { BinaryReader } from './binary-reader.ts';

/**
 * A value type. Reference types other than the two classic ones are all `ref`: no function of the plugin
 * contract has one, so that telling them apart would serve nobody.
 */
export type ValType = 'i32' | 'i64' | 'f32' | 'f64' | 'v128' | 'funcref' | 'externref' | 'ref';

/** What a function takes and gives. */
export interface FuncType {
  readonly params: readonly ValType[];
  readonly results: readonly ValType[];
}

/**
 * Limits of the JavaScript interface for types, functions, imports and exports, for the parameters or results of
 * one function, and for its locals.
 *
 * @see WebAssembly JavaScript Interface, "Implementation-defined Limits"
 */
export const engineLimits = { items: 1_000_000, params: 1000, fields: 10_000, locals: 50_000 } as const;

const numberTypes = new Map<number, ValType>([
  [0x7f, 'i32'],
  [0x7e, 'i64'],
  [0x7d, 'f32'],
  [0x7c, 'f64'],
  [0x7b, 'v128'],
  [0x70, 'funcref'],
  [0x6f, 'externref'],
]);

/** Proposals that the engine does not have, by the byte that a type of theirs begins with. */
const unsupported = new Map<number, string>([
  [0x5d, 'stack switching'],
  [0x65, 'shared-everything threads'],
  [0x67, 'reference-typed strings'],
  [0x4c, 'custom descriptors'],
  [0x4d, 'custom descriptors'],
]);

/**
 * Reads a type section: one entry for each type index, `undefined` for types that are not functions.
 *
 * @see WebAssembly Core Specification 3.0, section 5.3
 */
export function readTypes(reader: BinaryReader): (FuncType | undefined)[] {
  const types: (FuncType | undefined)[] = [];
  const groups = reader.count('types', engineLimits.items);
  for (let group = 0; group < groups; group += 1) {
    let members = 1;
    if (reader.peek() === 0x4e) {
      reader.u8();
      members = reader.count('types', engineLimits.items - types.length);
    }
    for (let member = 0; member < members; member += 1) types.push(readSubType(reader));
  }
  return types;
}

function readSubType(reader: BinaryReader): FuncType | undefined {
  const form = reader.peek();
  if (form === 0x50 || form === 0x4f) {
    reader.u8();
    const parents = reader.count('supertypes', engineLimits.params);
    for (let parent = 0; parent < parents; parent += 1) reader.u32();
  }
  return readCompositeType(reader);
}

function readCompositeType(reader: BinaryReader): FuncType | undefined {
  const form = reader.u8();
  switch (form) {
    case 0x60:
      return { params: readValTypes(reader, 'parameters'), results: readValTypes(reader, 'results') };
    case 0x5f: {
      const fields = reader.count('fields', engineLimits.fields);
      for (let field = 0; field < fields; field += 1) readFieldType(reader);
      return undefined;
    }
    case 0x5e:
      readFieldType(reader);
      return undefined;
    default:
      throw unknownType(reader, form);
  }
}

function readFieldType(reader: BinaryReader): void {
  const packed = reader.peek();
  if (packed === 0x77 || packed === 0x78) reader.u8();
  else readValType(reader);
  reader.u8(); // mutability
}

function readValTypes(reader: BinaryReader, what: string): ValType[] {
  const count = reader.count(what, engineLimits.params);
  const types: ValType[] = [];
  for (let index = 0; index < count; index += 1) types.push(readValType(reader));
  return types;
}

/** Reads a function section: the index of each function's type. */
export function readFunctions(reader: BinaryReader): number[] {
  const count = reader.count('functions', engineLimits.items);
  const types: number[] = [];
  for (let index = 0; index < count; index += 1) types.push(reader.u32());
  return types;
}

/** Reads a tag section: the index of each tag's type. */
export function readTags(reader: BinaryReader): number[] {
  const count = reader.count('tags', engineLimits.items);
  const types: number[] = [];
  for (let index = 0; index < count; index += 1) {
    reader.u8(); // attribute
    types.push(reader.u32());
  }
  return types;
}

/** Reads a value type, or a reference type, which is one. */
export function readValType(reader: BinaryReader): ValType {
  const byte = reader.u8();
  const number = numberTypes.get(byte);
  if (number !== undefined) return number;
  if (byte === 0x63 || byte === 0x64) {
    reader.s33(); // which heap type
    return 'ref';
  }
  // Short forms of nullable references to abstract heap types.
  if (byte >= 0x69 && byte <= 0x74) return 'ref';
  throw unknownType(reader, byte);
}

function unknownType(reader: BinaryReader, byte: number): Error {
  const shown = `0x${byte.toString(16).padStart(2, '0')}`;
  const proposal = unsupported.get(byte);
  return proposal === undefined
    ? reader.error('feature', `unknown type ${shown}; build it without experimental WebAssembly features`)
    : reader.error('feature', `type ${shown} needs ${proposal}, which this engine does not have`);
}
