import { encodeUnsigned } from './leb128.ts';
import { ModuleError } from './module-error.ts';
import { limitFlags, readImports, readMemories, readTables } from './module-imports.ts';
import type { PlacedLimits } from './module-imports.ts';
import { readSections, replaceParts, sectionId, sectionReader, writeSections } from './sections.ts';
import type { Replacement, Section } from './sections.ts';

/** Tables that a plugin may have: they are in the engine's heap, which ends the process when it overflows. */
export const maxTables = 10;
/** Elements of each of them, at most. */
export const maxTableElements = 200_000;

/** The pages of 64 KiB that a 32-bit memory can have. */
const addressable = 65_536;

/** How {@link limitMemory} names the module in its errors. */
export interface LimitMemoryOptions {
  /** Default `module`. */
  readonly name?: string;
}

/**
 * Gives every memory of a module, its own or imported, a maximum of at most `maxPages`, and every table one of
 * {@link maxTableElements}, so that the engine itself holds the guest to it. It has to be done in the binary, since nothing else caps a guest's memory:
 * a worker's resource limits do not count it.
 *
 * @param maxPages in pages of 64 KiB
 * @returns a new module, or the same bytes if nothing had to change
 * @throws {ModuleError} `memory` or `limit` when the module wants more than that at its start
 */
export function limitMemory(
  bytes: Uint8Array,
  maxPages: number,
  options: LimitMemoryOptions = {},
): Uint8Array {
  const { name = 'module' } = options;
  const sections = readSections(bytes, { name });
  let changed = false;
  const limited = sections.map((section): Pick<Section, 'id' | 'content'> => {
    const replacements = [
      ...memoriesOf(section, name).flatMap((limits) => lower(limits, maxPages, name)),
      ...tablesOf(section, name).flatMap((limits) => lowerTable(limits, name)),
    ];
    if (replacements.length === 0) return section;
    changed = true;
    return { id: section.id, content: replaceParts(section.content, replacements) };
  });
  return changed ? writeSections(limited) : bytes;
}

function memoriesOf(section: Section, name: string): PlacedLimits[] {
  const reader = sectionReader(section, { name });
  if (section.id === sectionId.memory) return readMemories(reader);
  if (section.id !== sectionId.import) return [];
  return readImports(reader).flatMap(({ kind, limits }) => (kind === 'memory' && limits ? [limits] : []));
}

function tablesOf(section: Section, name: string): PlacedLimits[] {
  if (section.id !== sectionId.table) return [];
  const tables = readTables(sectionReader(section, { name }));
  if (tables.length > maxTables) {
    throw new ModuleError(
      'limit',
      `${name}: it has ${tables.length} tables, but a plugin may have ${maxTables}`,
    );
  }
  return tables;
}

function lowerTable({ flags, min, max = Infinity, start, end }: PlacedLimits, name: string): Replacement[] {
  if (min > maxTableElements) {
    throw new ModuleError(
      'limit',
      `${name}: it has a table of ${min} elements, but a plugin's tables may have ${maxTableElements}`,
    );
  }
  if (max <= maxTableElements) return [];
  const most = encodeUnsigned(maxTableElements);
  return [{ start, end, bytes: Uint8Array.from([flags | limitFlags.max, ...encodeUnsigned(min), ...most]) }];
}

function lower(limits: PlacedLimits, maxPages: number, name: string): Replacement[] {
  const { flags, min, max = Infinity, is64, start, end } = limits;
  if (min > maxPages) {
    throw new ModuleError(
      'memory',
      `${name}: it needs ${pages(min)} of memory at its start, but max_memory_pages or -max-memory allows ${pages(maxPages)}; ` +
        'raise max_memory_pages in the manifest, or build the plugin with a smaller initial memory',
    );
  }
  const most = is64 ? maxPages : Math.min(maxPages, addressable);
  if (max <= most) return [];
  return [
    {
      start,
      end,
      bytes: Uint8Array.from([flags | limitFlags.max, ...encodeUnsigned(min), ...encodeUnsigned(most)]),
    },
  ];
}

function pages(count: number): string {
  return `${count} ${count === 1 ? 'page' : 'pages'} (${count / 16} MiB)`;
}
