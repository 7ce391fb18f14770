import { BinaryReader } from './binary-reader.ts';
import { describeBytes } from './describe-bytes.ts';
import { encodeUnsigned } from './leb128.ts';
import { ModuleError } from './module-error.ts';

/** Section ids of the binary format (WebAssembly Core Specification, section 5.5.2), as far as they are used. */
export const sectionId = {
  custom: 0,
  type: 1,
  import: 2,
  function: 3,
  table: 4,
  memory: 5,
  global: 6,
  export: 7,
  start: 8,
  element: 9,
  code: 10,
  data: 11,
  dataCount: 12,
  tag: 13,
} as const;

/**
 * Bytes of a section that is neither code, data nor custom. What such a section describes takes the host and the
 * engine many times as much, in heaps of their own: 18 MiB of types took 770 MiB, 6 MiB of imports 440 MiB. Those of
 * 60 modules from npm have at most 350 KB, but for one that exports its 62,000 functions.
 */
export const maxSectionBytes = 1024 * 1024;

const unlimited: ReadonlySet<number> = new Set([sectionId.custom, sectionId.code, sectionId.data]);

const sectionNames = new Map<number, string>(Object.entries(sectionId).map(([name, id]) => [id, name]));

/** One section of a module. */
export interface Section {
  readonly id: number;
  /** Where its content begins in the module it was read from. */
  readonly offset: number;
  /** A view into the module's bytes, without the section's header. */
  readonly content: Uint8Array;
}

const header = Uint8Array.of(0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00);

/**
 * Splits a core module into its sections, without looking into them. What is unknown is kept as it is.
 *
 * @throws {ModuleError} `not-wasm`, `component`, `version`, `truncated`, `malformed` for a section that is
 *   there twice, or `limit` for one of more than {@link maxSectionBytes}.
 */
export function readSections(bytes: Uint8Array, { name }: { readonly name: string }): Section[] {
  checkHeader(bytes, name);
  const reader = new BinaryReader(bytes, { name, part: 'between sections' });
  reader.take(header.length);
  const sections: Section[] = [];
  const seen = new Set<number>();
  while (!reader.atEnd) {
    const start = reader.offset;
    const id = reader.u8();
    const size = reader.u32();
    const offset = reader.offset;
    if (size > bytes.length - offset) {
      throw new ModuleError(
        'truncated',
        `${name}: the module ends too early: ${sectionName(id)}, at byte ${start}, is ${size} bytes long, ` +
          `but only ${bytes.length - offset} are left; was the file copied or downloaded completely?`,
      );
    }
    // Two sections of a kind would let a reader and a writer disagree about which one counts.
    if (id !== sectionId.custom && seen.has(id)) {
      throw reader.error('malformed', `${sectionName(id)} is there twice`);
    }
    if (size > maxSectionBytes && !unlimited.has(id)) {
      throw reader.error(
        'limit',
        `${sectionName(id)} has ${size} bytes, but a plugin's may have ${maxSectionBytes}`,
      );
    }
    seen.add(id);
    sections.push({ id, offset, content: reader.take(size) });
  }
  return sections;
}

/** Puts a module together from sections: {@link readSections} the other way round. */
export function writeSections(sections: readonly Pick<Section, 'id' | 'content'>[]): Uint8Array {
  return concat([
    header,
    ...sections.flatMap(({ id, content }) => [Uint8Array.of(id), encodeUnsigned(content.length), content]),
  ]);
}

/** A part of a section's content and what takes its place. */
export interface Replacement {
  readonly start: number;
  readonly end: number;
  readonly bytes: Uint8Array;
}

/** A copy of the content with parts of it replaced. They MUST be in order and not overlap. */
export function replaceParts(content: Uint8Array, replacements: readonly Replacement[]): Uint8Array {
  const parts: Uint8Array[] = [];
  let position = 0;
  for (const { start, end, bytes } of replacements) {
    parts.push(content.subarray(position, start), bytes);
    position = end;
  }
  parts.push(content.subarray(position));
  return concat(parts);
}

/** A reader over one section. */
export function sectionReader(section: Section, { name }: { readonly name: string }): BinaryReader {
  return new BinaryReader(section.content, { name, part: sectionName(section.id), base: section.offset });
}

function sectionName(id: number): string {
  const name = sectionNames.get(id);
  if (name === undefined) return `section ${id}`;
  return id === sectionId.custom ? 'a custom section' : `the ${name} section`;
}

function checkHeader(bytes: Uint8Array, name: string): void {
  const magic = header.subarray(0, 4);
  if (!magic.every((byte, index) => bytes[index] === byte)) {
    throw new ModuleError(
      'not-wasm',
      `${name}: this is not a WebAssembly module: ${describeBytes(bytes)}; give the .wasm file that the ` +
        `plugin's compiler wrote`,
    );
  }
  if (bytes.length < header.length) {
    throw new ModuleError('truncated', `${name}: the module ends in its header, after ${bytes.length} bytes`);
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const version = view.getUint16(4, true);
  const layer = view.getUint16(6, true);
  if (layer === 1) {
    throw new ModuleError(
      'component',
      `${name}: this is a component; build a core module instead (for wasm32-wasip1, and without the step ` +
        'that makes a component of it)',
    );
  }
  if (layer !== 0 || version !== 1) {
    const found = layer === 0 ? `${version}` : `${version}, layer ${layer}`;
    throw new ModuleError('version', `${name}: binary format version ${found}, but only version 1 is known`);
  }
}

function concat(parts: readonly Uint8Array[]): Uint8Array {
  const joined = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  let offset = 0;
  for (const part of parts) {
    joined.set(part, offset);
    offset += part.length;
  }
  return joined;
}
