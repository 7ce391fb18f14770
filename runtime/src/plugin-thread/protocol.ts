/**
 * What the host and a plugin thread say to each other: commands by a message port, and what an instance says
 * to the host by its link.
 */
import type { MessagePort } from 'node:worker_threads';
import type { ExtensionModule } from '../capabilities/import-extension.ts';
import type { ModuleInfo } from '../guest/module.ts';
import type { ThreadEndpoint } from '../link/shared-memory.ts';
import type { PluginSpec } from '../manifest/plugin-spec.ts';

/** What a plugin thread is started with. */
export interface ThreadData {
  readonly bell: SharedArrayBuffer;
  readonly commands: MessagePort;
  /** Counts the commands posted, so that a thread sees one without asking the port. */
  readonly posted: SharedArrayBuffer;
  /** What there is besides the built-in capabilities. */
  readonly extensions: readonly ExtensionModule[];
}

/** The part of a manifest that an instance needs. All of it can be cloned. */
export type InstanceSpec = Pick<
  PluginSpec,
  | 'name'
  | 'version'
  | 'capabilities'
  | 'options'
  | 'config'
  | 'tickIntervalMs'
  | 'eventPayload'
  | 'maxMemoryPages'
>;

/** What the operator has decided for every plugin of the host. */
export interface Deployment {
  /** Absolute. Each plugin has a folder of its own below it. */
  readonly storageRoot: string;
  /** Whether plugins may fetch from addresses that are not public. */
  readonly allowPrivateNetwork: boolean;
  /** How long after the start of an instance the guest ends of its capabilities have to be set up, in milliseconds. */
  readonly setUpMs: number;
}

export interface StartCommand {
  readonly type: 'start';
  /** Which instance: every start of a plugin has a number of its own. */
  readonly instance: number;
  readonly spec: InstanceSpec;
  readonly deployment: Deployment;
  readonly module: WebAssembly.Module;
  readonly info: ModuleInfo;
  readonly link: ThreadEndpoint;
  /** Where the instance notes calls that cannot be interrupted. */
  readonly nativeCalls: SharedArrayBuffer;
  /** Where the instance notes what it is inside of. */
  readonly activity: SharedArrayBuffer;
  /** When it was posted, on the clock that threads share: what the thread takes to begin is part of a start's time. */
  readonly postedAt: number;
  /** Whether anybody reads debug lines. */
  readonly debug: boolean;
}

export interface StopCommand {
  readonly type: 'stop';
  readonly instance: number;
}

export type Command = StartCommand | StopCommand;

/** Kinds of effects on the host's own channel. */
export const HostEffect = { log: 0, state: 1 } as const;

export interface LogEffect {
  readonly level: 'debug' | 'info' | 'warn' | 'error';
  readonly message: string;
  readonly fields: Readonly<Record<string, string | number | boolean | readonly string[]>>;
}

/** How an instance is: it says so once when it is ready, and once when it has ended. */
export type InstanceState =
  | { readonly state: 'ready' }
  /** It did not start: the guest's fault. */
  | { readonly state: 'failed'; readonly reason: string }
  | { readonly state: 'trapped'; readonly entry: string; readonly reason: string }
  /** It was shut down; `code` is what `pulp_shutdown` returned. */
  | { readonly state: 'stopped'; readonly code: number };

const encoder = new TextEncoder();
const decoder = new TextDecoder();

export function encodeHostEffect(effect: LogEffect | InstanceState): Uint8Array {
  return encoder.encode(
    JSON.stringify(effect, (_key, value: unknown) => (typeof value === 'bigint' ? Number(value) : value)),
  );
}

// The host's own threads wrote them, so their shapes are known.
export function decodeLog(payload: Uint8Array): LogEffect {
  return JSON.parse(decoder.decode(payload.slice())) as LogEffect;
}

export function decodeState(payload: Uint8Array): InstanceState {
  return JSON.parse(decoder.decode(payload.slice())) as InstanceState;
}
