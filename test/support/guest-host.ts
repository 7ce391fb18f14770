import { pluginFolder } from './plugin-folder.ts';
import { PulpProcess } from './pulp-process.ts';
import { respond, watGuest, type WatGuest } from './wat-guest.ts';
import type { Scope } from './scope.ts';

export interface GuestHostOptions {
  /** Manifest lines behind name, version and the inbound transport. */
  readonly manifest?: string;
  readonly args?: readonly string[];
}

/** Runs a guest behind the real command line. It has the route `GET /ok`, so {@link PulpProcess.alive} works. */
export async function startGuest(
  t: Scope,
  guest: WatGuest,
  options: GuestHostOptions = {},
): Promise<PulpProcess> {
  const { manifest = '', args = [] } = options;
  return PulpProcess.start(t, { manifest: await guestFolder(t, guest, manifest), args });
}

/** As {@link startGuest}, but only the folder. Gives the manifest's path. */
export async function guestFolder(t: Scope, guest: WatGuest, manifest = ''): Promise<string> {
  const wasm = await watGuest({ ...guest, routes: { 'GET /ok': respond({ body: 'ok' }), ...guest.routes } });
  return pluginFolder(t, { wasm, manifest: `capabilities = ["transport.http.inbound"]\n${manifest}` });
}
