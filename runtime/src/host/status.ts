import type { RestartPolicy } from '../manifest/plugin-spec.ts';

/**
 * How a plugin is. `starting`: its first instance is not ready yet. `ready`: it serves. `restarting`: its instance
 * broke, and the next one is on its way. `stuck`: it, or another of its thread, is inside of a call that nothing can
 * end. `failed`: it broke too often, and is tried again after a while; or it may not be started again. `stopping` and
 * `stopped`: it was asked to.
 */
export type PluginState = 'starting' | 'ready' | 'restarting' | 'stuck' | 'failed' | 'stopping' | 'stopped';

/** A plugin as an operator sees it. */
export interface PluginStatus {
  readonly name: string;
  readonly version: string;
  /** Absolute paths. */
  readonly manifest: string;
  readonly wasm: string;
  readonly state: PluginState;
  /** Set while a reload is under way. */
  readonly reloading?: boolean;
  /** Set while it gets no new requests, since the memory of all plugins is used up and it has more than its share. */
  readonly overMemory?: boolean;
  /** Why it is not ready, or how the instance before this one ended. */
  readonly reason?: string;
  /** Which instance runs, or ran last: every start of the plugin, a reload among them, has the next number, from 1. */
  readonly instance: number;
  /** Instances that broke since the host began. */
  readonly crashes: number;
  /** When the instance became ready, in milliseconds since 1970. */
  readonly readySince?: number;
  /** When a failed plugin is tried again, in milliseconds since 1970. */
  readonly retryAt?: number;
  /** Which thread it is in: plugins with the same number share one. */
  readonly thread?: number;
  /** Bytes of the guest's linear memory, as of a moment ago, and at most. */
  readonly memoryBytes: number;
  readonly maxMemoryBytes: number;
  /** Events that are not finished, and the bytes of their payloads. */
  readonly queuedEvents: number;
  readonly queuedBytes: number;
  /** Events that were finished since the host began. */
  readonly finishedEvents: number;
  /** For how long it has computed since the host began, host calls other than waits included, in milliseconds. */
  readonly computedMs: number;
  readonly capabilities: readonly string[];
  readonly provides: readonly string[];
  readonly consumes: readonly string[];
  readonly restart: RestartPolicy;
  readonly callTimeoutMs: number;
  readonly tickIntervalMs: number;
}

/** A host as an operator sees it. */
export interface HostStatus {
  readonly pid: number;
  readonly url?: string;
  /** When it began, in milliseconds since 1970. */
  readonly startedAt: number;
  /** Every plugin is ready, those apart that an operator has stopped, and the host is not stopping. */
  readonly ready: boolean;
  readonly stopping: boolean;
  /** Bytes of linear memory that all guests have together, and may have. */
  readonly guestBytes: number;
  readonly maxGuestBytes: number;
  /** Bytes that queues, and bodies being received, hold at the edge, and may hold. */
  readonly edgeBytes: number;
  readonly maxEdgeBytes: number;
  readonly plugins: readonly PluginStatus[];
}

/**
 * What an operator may do with a running host. Names are those of manifests; an unknown one is refused. What is asked for
 * a plugin is done one after the other, and not at all when its signal is aborted before its turn comes.
 */
export interface HostControl {
  status(): HostStatus;
  /** What clients reach a plugin by, such as `GET /notes/{id}`: up to 1,000 of each kind. */
  routes(name: string): readonly string[];
  /**
   * Shuts a plugin down and leaves it so: its routes answer 503. Not an error when it is stopped already. A start or
   * reload that is under way is called off.
   */
  stopPlugin(name: string, signal?: AbortSignal): Promise<void>;
  /** Starts a plugin that is stopped or failed, at once. Rejects with the reason when it does not come up. */
  startPlugin(name: string, signal?: AbortSignal): Promise<void>;
  /** Stops and starts it; what comes in between gets 503. A start or reload that is under way is called off. */
  restartPlugin(name: string, signal?: AbortSignal): Promise<void>;
  /**
   * Reads manifest and module again and puts a new instance in the place of the one that runs, without losing a
   * request. Rejects with the reason when the new one does not start: then the old one stays.
   */
  reloadPlugin(name: string, signal?: AbortSignal): Promise<void>;
}
