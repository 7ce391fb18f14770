import { setTimeout } from 'node:timers/promises';
import type { ControlStatus, PluginStatus } from '../control/protocol.ts';
import { bytes, table } from './table.ts';

/** Time between two looks, in milliseconds. */
const everyMs = 1_000;

/** What a host and its plugins used between two looks. */
export interface Stats {
  /** In milliseconds since 1970. */
  readonly time: number;
  readonly pid: number;
  /** Of one processor: two that are busy are 200. */
  readonly cpuPercent: number;
  readonly rssBytes: number;
  readonly guestBytes: number;
  readonly maxGuestBytes: number;
  readonly edgeBytes: number;
  readonly maxEdgeBytes: number;
  readonly plugins: readonly PluginStats[];
}

export interface PluginStats {
  readonly name: string;
  readonly state: string;
  /**
   * How much of the time it computed, or would have if there had been a processor for it. Two instances, as during a
   * reload, may have 200.
   */
  readonly busyPercent: number;
  readonly eventsPerSecond: number;
  readonly memoryBytes: number;
  readonly maxMemoryBytes: number;
  readonly queuedEvents: number;
  readonly queuedBytes: number;
}

/** A host at a moment, in milliseconds since 1970. */
export interface Look {
  readonly at: number;
  readonly status: ControlStatus;
}

/** Looks at a host each second, and compares two looks at a time. It ends when the host is gone, by throwing. */
export async function* sample(look: () => Promise<ControlStatus>): AsyncGenerator<Stats> {
  let before = { at: Date.now(), status: await look() };
  for (;;) {
    await setTimeout(everyMs);
    const now = { at: Date.now(), status: await look() };
    yield compare(before, now);
    before = now;
  }
}

/** What happened between two looks. */
export function compare(before: Look, now: Look): Stats {
  const seconds = Math.max(1, now.at - before.at) / 1_000;
  const known = new Map(before.status.plugins.map((plugin) => [plugin.name, plugin]));
  const { status } = now;
  return {
    time: now.at,
    pid: status.pid,
    cpuPercent: round((status.cpuMs - before.status.cpuMs) / 10 / seconds),
    rssBytes: status.rssBytes,
    guestBytes: status.guestBytes,
    maxGuestBytes: status.maxGuestBytes,
    edgeBytes: status.edgeBytes,
    maxEdgeBytes: status.maxEdgeBytes,
    plugins: status.plugins.map((plugin) => comparePlugin(known.get(plugin.name) ?? plugin, plugin, seconds)),
  };
}

function comparePlugin(before: PluginStatus, now: PluginStatus, seconds: number): PluginStats {
  return {
    name: now.name,
    state: now.state,
    busyPercent: Math.max(0, round((now.computedMs - before.computedMs) / 10 / seconds)),
    eventsPerSecond: round((now.finishedEvents - before.finishedEvents) / seconds),
    memoryBytes: now.memoryBytes,
    maxMemoryBytes: now.maxMemoryBytes,
    queuedEvents: now.queuedEvents,
    queuedBytes: now.queuedBytes,
  };
}

/** Them for people. */
export function statsTable(stats: Stats): string {
  const { guestBytes, maxGuestBytes, edgeBytes, maxEdgeBytes } = stats;
  const host = [
    `CPU ${stats.cpuPercent}%`,
    `memory ${bytes(stats.rssBytes)}`,
    `guests ${bytes(guestBytes)} of ${bytes(maxGuestBytes)}`,
    `edge ${bytes(edgeBytes)} of ${bytes(maxEdgeBytes)}`,
  ];
  const rows = stats.plugins.map((plugin) => [
    plugin.name,
    plugin.state,
    `${plugin.busyPercent}%`,
    String(plugin.eventsPerSecond),
    `${bytes(plugin.memoryBytes)} / ${bytes(plugin.maxMemoryBytes)}`,
    String(plugin.queuedEvents),
    bytes(plugin.queuedBytes),
  ]);
  const heads = ['NAME', 'STATE', 'BUSY', 'EVENTS/S', 'MEMORY / LIMIT', 'QUEUE', 'QUEUED'];
  return `host ${stats.pid}: ${host.join(', ')}\n\n${table(heads, rows)}`;
}

/** Text over the text before it, from the top of the terminal. */
export function redraw(text: string): string {
  return `\x1b[H${text.replaceAll('\n', '\x1b[K\n')}\x1b[J`;
}

function round(number: number): number {
  return Math.round(number * 10) / 10;
}
