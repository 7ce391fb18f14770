import { dirname, resolve } from 'node:path';
import { encodeConfig } from './config.ts';
import { deepFreeze } from './deep-freeze.ts';
import { Fields } from './fields.ts';
import { knownExtensions, whence } from './known-extensions.ts';
import { ManifestError, ProblemList } from './manifest-error.ts';
import { type Declarable, findOptionTables } from './option-tables.ts';
import { faultOfName } from './plugin-name.ts';
import type { PluginSpec } from './plugin-spec.ts';
import { shown } from './shown.ts';
import { parseToml } from './toml.ts';
import { validateOptions } from './validate-options.ts';

export interface ParseManifestOptions {
  /** Where the text is from: for messages, and `wasm` is relative to its folder. */
  readonly file: string;
  /** What the host has, by name. */
  readonly capabilities: ReadonlyMap<string, Declarable>;
}

/** Longest time that a timer of Node takes (2^31 − 1 ms); a longer one would fire at once. */
const maxTimerMs = 2_147_483_647;

/**
 * Reads the text of a `pulp.plugin.toml`. It opens nothing: that `wasm` exists, and is what `wasm_sha256`
 * says, is for the loader to see.
 *
 * Throws {@link ManifestError} with every problem there is; errors of TOML's own syntax come alone.
 */
export function parseManifest(text: string, { file, capabilities }: ParseManifestOptions): PluginSpec {
  const table = parseToml(text, file);
  const problems = new ProblemList();
  const fields = new Fields(table, problems);

  const name = readName(fields, problems);
  const version = fields.required('version') ?? '';
  const wasm = readWasm(fields, problems);
  const declared = fields.strings('capabilities', (entry) => entry.trim().toLowerCase());
  checkDeclared(declared, { name, capabilities }, problems);
  const wasmSha256 = readSha256(fields, problems);
  const own = {
    provides: fields.strings('provides'),
    consumes: fields.strings('consumes'),
    sharedMemoryGroups: fields.strings('shared_memory_groups'),
    dependsOn: readDependsOn(fields, name, problems),
    dedicatedThread: fields.boolean('dedicated_thread'),
    snapshotable: fields.boolean('snapshotable'),
    restart: fields.choice('restart', ['on_crash', 'never', 'always']),
    maxMemoryPages: fields.integer('max_memory_pages', { min: 1, max: 65_536, fallback: 4_096 }),
    callTimeoutMs: fields.integer('call_timeout_ms', { min: 1, max: maxTimerMs, fallback: 30_000 }),
    tickIntervalMs: fields.integer('tick_interval_ms', { min: 0, max: maxTimerMs, fallback: 10 }),
    eventPayload: fields.choice('event_payload', ['embedded', 'bin']),
    config: encodeConfig(fields.value('config'), problems),
  };
  fields.integer('schema_version', { min: 1, max: 1, fallback: 1 });
  fields.reservedList('federated_callers');
  fields.reservedList('federated_consumes');
  fields.boolean('migratable');

  // From here on every key of the manifest's own is known.
  const unknown = new ProblemList();
  const tables = findOptionTables(table, { declared, capabilities, topLevel: fields.known }, unknown);
  const options = new Map<string, Readonly<Record<string, unknown>>>();
  for (const capability of declared.flatMap((entry) => capabilities.get(entry) ?? [])) {
    options.set(capability.name, validateOptions(capability, tables.get(capability.name) ?? {}, problems));
  }

  const all = [...unknown.all, ...problems.all];
  if (all.length > 0) throw new ManifestError(file, all);
  return deepFreeze<PluginSpec>({
    name,
    version,
    wasm: resolve(dirname(file), wasm),
    capabilities: declared,
    schemaVersion: 1,
    ...own,
    ...(wasmSha256 !== undefined && { wasmSha256 }),
    options,
    file,
  });
}

function readName(fields: Fields, problems: ProblemList): string {
  const name = fields.required('name');
  if (name === undefined) return '';
  const fault = faultOfName(name);
  if (fault !== undefined) problems.add('name', `${shown(name)} ${fault}`);
  return name;
}

/** Empty counts as not given. */
function readWasm(fields: Fields, problems: ProblemList): string {
  const wasm = fields.string('wasm') || 'plugin.wasm';
  if (wasm.trim() === '') problems.add('wasm', 'is blank; leave it out for "plugin.wasm"');
  // Node refuses such a path by an exception that does not name the manifest.
  if (wasm.includes('\0')) problems.add('wasm', 'must not have a NUL character in it');
  return wasm;
}

function readSha256(fields: Fields, problems: ProblemList): string | undefined {
  const digest = fields.string('wasm_sha256');
  if (digest === undefined || /^[\da-f]{64}$/i.test(digest)) return digest?.toLowerCase();
  problems.add('wasm_sha256', `expected 64 hexadecimal digits, found ${shown(digest)}`);
  return undefined;
}

function readDependsOn(fields: Fields, name: string, problems: ProblemList): readonly string[] {
  const dependsOn = fields.strings('depends_on');
  for (const other of dependsOn) {
    const fault = other === name ? 'is the plugin itself' : faultOfName(other);
    if (fault !== undefined) problems.add('depends_on', `${shown(other)} ${fault}`);
  }
  return dependsOn;
}

function checkDeclared(
  declared: readonly string[],
  { name, capabilities }: { name: string; capabilities: ReadonlyMap<string, Declarable> },
  problems: ProblemList,
): void {
  const known = capabilities.keys().toArray().toSorted();
  const has = known.length === 0 ? 'none' : known.join(', ');
  const plugin = name === '' ? 'the plugin' : `plugin ${shown(name)}`;
  for (const entry of declared.filter((capability) => !capabilities.has(capability))) {
    const reason = `${plugin} declares ${shown(entry)}, which this host does not have; it has: ${has}${whence(knownExtensions.get(entry))}`;
    problems.addNear('capabilities', reason, { word: entry, known });
  }
}
