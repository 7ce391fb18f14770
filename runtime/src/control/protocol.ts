import type { HostStatus, PluginStatus } from '../host/status.ts';

/**
 * What control sockets speak: HTTP with JSON, as Docker's does.
 *
 * | Request | Answer |
 * |---|---|
 * | `GET /v1/status` | {@link ControlStatus} |
 * | `GET /v1/plugins/NAME` | {@link PluginDetails} |
 * | `POST /v1/plugins/NAME/ACT` | its `PluginStatus` afterwards |
 * | `GET /v1/logs?plugin=&tail=&since=&follow=1` | lines of JSON |
 * | `GET /livez`, `GET /readyz`, `GET /readyz/NAME` | as those of `-health-port` |
 *
 * Anything but 200 has a {@link ControlRefusal}.
 */
export interface ControlStatus extends HostStatus {
  /** Of Pulp. */
  readonly pulp: string;
  /** Processor time of the host, plugins included, since it began, in milliseconds. */
  readonly cpuMs: number;
  /** Memory of the host's process, in bytes. */
  readonly rssBytes: number;
}

/** A plugin that was asked for by its name. */
export interface PluginDetails extends PluginStatus {
  /** What clients reach it by, such as `GET /notes/{id}`. */
  readonly routes: readonly string[];
}

export interface ControlRefusal {
  readonly error: string;
  /** Set where no plugin has the name: those that there are. */
  readonly plugins?: readonly string[];
}

/** What may be done with a plugin. */
export const ACTS = ['stop', 'start', 'restart', 'reload'] as const;

export type Act = (typeof ACTS)[number];

export type { PluginStatus };
