import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Scope } from '../../support/scope.ts';
import { respond, watGuest, type WatGuest } from '../../support/wat-guest.ts';

export interface FaultyPluginOptions {
  readonly name: string;
  readonly guest: WatGuest;
  /** Lines of the manifest behind name and version. Default: the inbound transport, and no ticks. */
  readonly manifest?: string;
}

/** A plugin that will break, in a folder that goes with its scope. It has the route `GET /NAME/ok`. */
export interface FaultyPlugin {
  readonly name: string;
  readonly manifest: string;
  /** Puts another module in the place of the first: for a reload. */
  replace(guest: WatGuest): Promise<void>;
}

const inbound = 'capabilities = ["transport.http.inbound"]\ntick_interval_ms = 0';

export async function faultyPlugin(
  t: Scope,
  { name, guest, manifest: lines = inbound }: FaultyPluginOptions,
): Promise<FaultyPlugin> {
  const folder = await mkdtemp(join(tmpdir(), 'pulp-fault-plugin-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  const manifest = join(folder, 'pulp.plugin.toml');
  const replace = async (given: WatGuest): Promise<void> => {
    const routes = { ...given.routes, [`GET /${name}/ok`]: respond({ body: 'ok' }) };
    await writeFile(join(folder, 'plugin.wasm'), await watGuest({ ...given, routes }));
  };
  await replace(guest);
  await writeFile(manifest, `name = "${name}"\nversion = "1.0.0"\n${lines}\n`);
  return { name, manifest, replace };
}
