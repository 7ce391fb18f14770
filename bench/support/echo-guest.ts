import { join } from 'node:path';
import { eventPrefix } from '../../runtime/src/abi/step-event.ts';
import { capability } from '../../runtime/src/capabilities/http-inbound/capability.ts';
import { decodeAnswer } from '../../runtime/src/capabilities/http-inbound/wire.ts';
import { Registry } from '../../runtime/src/capabilities/registry.ts';
import type { Delivery, GuestContext, Log } from '../../runtime/src/ext.ts';
import { type AnyHostFunction, bindImports, mayWait } from '../../runtime/src/guest/bind.ts';
import { Guest } from '../../runtime/src/guest/guest.ts';
import { createWasi } from '../../runtime/src/guest/wasi.ts';
import { loadPlugin, readManifest } from '../../runtime/src/host/load-plugin.ts';
import { WallClock } from '../../runtime/src/plugin-thread/wall-clock.ts';
import { requestEvent } from './request-event.ts';

const manifest = join(import.meta.dirname, '..', '..', 'plugins', 'echo', 'pulp.plugin.toml');

const silent: Log = { debug: ignore, info: ignore, warn: ignore, error: ignore };

/** One request that the echo plugin is stepped with, again and again. */
const event: Delivery = { kind: 0, id: 1, cancelled: false };

/** The echo plugin (AssemblyScript) as a plugin thread runs it, with nobody at the other end of its link. */
export interface EchoGuest {
  /** Makes the step for a request event: in and out of the guest, its answer decoded, checked and packed. */
  step(payload: Uint8Array): void;
  /** The body of the last answer, copied. */
  readonly answer: Uint8Array;
}

/**
 * Starts the plugin with the real module, bindings and capability. Only its effects go nowhere, so a step
 * costs what it costs in a plugin thread but for the link's rings.
 *
 * Rejects when the plugin is not built, or would have to be entered by promises.
 */
export async function startEcho(): Promise<EchoGuest> {
  const registry = new Registry();
  const { spec, module, info } = await loadPlugin(await readManifest(manifest, registry), registry);
  const guest = new Guest({
    suspendable: mayWait(info, registry.imports, new Set(spec.capabilities)),
    goBuilt: info.goBuilt,
  });
  if (guest.suspendable)
    throw new Error('plugins/echo imports functions that wait: its steps are no longer direct');
  let effect: Uint8Array = new Uint8Array(0);
  const end = await capability.guest?.(context((payload) => (effect = payload)));
  if (end === undefined) throw new Error(`${capability.name} has no guest end`);
  const wasi = createWasi({
    memory: () => guest.memory.memory,
    write: ignore,
    sleep: () => Promise.resolve(),
  });
  const functions = new Map<string, AnyHostFunction>(Object.entries(end.functions));
  const binding = { info, guest, known: registry.imports, functions, wasi: wasi.imports, log: silent };
  guest.instantiate(module, bindImports(binding));
  await guest.initialize();
  await guest.init(spec.config);

  const prefix = eventPrefix('http.request');
  const clock = new WallClock();
  return {
    step(payload) {
      end.deliver?.(event);
      const handle = guest.step(prefix, payload, clock.at(performance.now()));
      if (handle !== 0) throw new Error('the echo plugin refused its step');
    },
    get answer() {
      return Uint8Array.from(decodeAnswer(effect).body);
    },
  };
}

/** The event of a POST to `/echo` with this body, as the edge writes it. */
export function echoEvent(body: Uint8Array): Uint8Array {
  return requestEvent({ id: event.id, method: 'POST', path: '/echo', body });
}

function context(sent: (payload: Uint8Array) => void): GuestContext {
  return {
    plugin: { name: 'echo', version: '0' },
    options: {},
    log: silent,
    event,
    signal: new AbortController().signal,
    scope: new AsyncDisposableStack(),
    folder: '/nowhere/echo',
    allowPrivateNetwork: false,
    arity: () => 0,
    send: (_kind, payload) => sent(payload),
    ask: () => 0,
    request: () => Promise.reject(new Error('the echo plugin requests nothing')),
    native: { begin: ignore, end: () => 0 },
    ref: () => ({ [Symbol.dispose]: ignore }),
  };
}

function ignore(): void {}
