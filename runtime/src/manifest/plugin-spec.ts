/** When a plugin that ended is started again. */
export type RestartPolicy = 'never' | 'on_crash' | 'always';

/** A manifest that was accepted: complete, frozen, with nothing opened yet (contract section 7). */
export interface PluginSpec {
  /** Also the name of the plugin's folder below the storage root: no separators, at most 255 bytes. */
  readonly name: string;
  readonly version: string;
  /** The module, absolute; `plugin.wasm` beside the manifest unless given. It may lie in any folder. */
  readonly wasm: string;
  /** Names that other plugins may call. */
  readonly provides: readonly string[];
  /** Names that the plugin may call. */
  readonly consumes: readonly string[];
  /** Trimmed, lower-cased, each one that the host has. What is not here the plugin cannot use. */
  readonly capabilities: readonly string[];
  readonly sharedMemoryGroups: readonly string[];
  /** Names of plugins that are started before this one and stopped after it. */
  readonly dependsOn: readonly string[];
  /** Whether the plugin has a thread to itself whatever the host's number of threads. */
  readonly dedicatedThread: boolean;
  readonly snapshotable: boolean;
  /** Version of the manifest's own format. */
  readonly schemaVersion: 1;
  readonly restart: RestartPolicy;
  /** Largest memory of the guest, in pages of 64 KiB: 1 to 65,536, by default 4,096 (256 MiB). */
  readonly maxMemoryPages: number;
  /** How long one call into the guest may take, in milliseconds, by default 30,000. */
  readonly callTimeoutMs: number;
  /** Time between two ticks, in milliseconds, by default 10; 0 is no ticks. */
  readonly tickIntervalMs: number;
  /** SHA-256 that the module must have: 64 hexadecimal digits in lower case. */
  readonly wasmSha256?: string;
  /** How an event carries its payload: as a nested value (the default), or as `bin` (contract section 1). */
  readonly eventPayload: 'embedded' | 'bin';
  /** The `[config]` table in MessagePack; no bytes when there is none or it is empty. */
  readonly config: Uint8Array;
  /** The options of every declared capability, validated and complete, by its name. */
  readonly options: ReadonlyMap<string, Readonly<Record<string, unknown>>>;
  /** The manifest, as the caller named it. */
  readonly file: string;
}
