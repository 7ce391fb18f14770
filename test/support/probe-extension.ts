/** An extension for tests that use all of the interface. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { defineCapability, Failure, makePluginFolder, type Outcome, type Port } from 'pulp-runtime/ext';

/** The plugins that declare it, by name, as its edge end knows them in this thread. */
export const ports = new Map<string, Port>();
/** How events ended, in the order in which they did. */
export const outcomes: Outcome[] = [];
/** What the plugin ends were told, as `name: hook`. */
export const told: string[] = [];

export const capability = defineCapability({
  module: import.meta.url,
  name: 'test.probe',
  events: ['probe.event'],
  imports: {
    /** Waits so many milliseconds. */
    probe_wait: { params: ['u32'], waits: true },
    /** Gives what the edge end answers to a request. */
    probe_ask: { params: ['in', 'out'], waits: true },
    /** Refuses with the code. */
    probe_refuse: { params: ['u32'] },
    /** Writes a file into the plugin's folder. */
    probe_store: { params: ['in'] },
  },
  stores: true,
  guest(context) {
    context.signal.addEventListener('abort', () => context.log.info('probe aborted'));
    context.scope.defer(() => context.log.info('probe left'));
    return {
      functions: {
        probe_wait: (ms) => new Promise<void>((resolve) => setTimeout(resolve, ms)),
        probe_ask: (bytes) => context.request(0, bytes),
        probe_refuse(code) {
          throw new Failure(code, 'as it was told');
        },
        probe_store(bytes) {
          makePluginFolder(context.folder);
          writeFileSync(join(context.folder, 'probe'), bytes);
        },
      },
    };
  },
  edge({ signal }) {
    signal.addEventListener('abort', () => told.push('edge: aborted'));
    return {
      plugin(port) {
        const note = (hook: string): void => void told.push(`${port.plugin.name}: ${hook}`);
        ports.set(port.plugin.name, port);
        port.signal.addEventListener('abort', () => note('aborted'));
        return {
          request: (_kind, payload) => Promise.resolve(payload.toReversed()),
          ready: () => note('ready'),
          draining: () => note('draining'),
          closed: () => note('closed'),
        };
      },
    };
  },
});

/** Pushes an event. */
export function push(plugin: string, done?: (outcome: Outcome) => void): boolean {
  const port = ports.get(plugin);
  if (port === undefined) throw new Error(`${plugin} has no port`);
  return port.push({
    kind: 0,
    id: port.nextId(),
    payload: Uint8Array.of(0x80),
    done(outcome) {
      outcomes.push(outcome);
      done?.(outcome);
    },
  });
}
