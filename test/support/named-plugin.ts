import { mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { respond, watGuest, type WatGuest } from './wat-guest.ts';

/** A plugin of a name and version of its own, which can be written anew while it runs. */
export class NamedPlugin {
  readonly name: string;
  /** Its folder. */
  readonly folder: string;

  constructor(parent: string, name: string) {
    this.name = name;
    this.folder = join(parent, name);
    mkdirSync(this.folder);
  }

  /** Writes manifest and module, each in one step. */
  async write(version: string, guest: WatGuest): Promise<this> {
    this.module(await watGuest(guest));
    this.#put(
      'pulp.plugin.toml',
      `name = "${this.name}"\nversion = "${version}"\ncapabilities = ["transport.http.inbound"]\n`,
    );
    return this;
  }

  /** Writes one that answers at `/NAME` with a text. */
  says(version: string, text: string): Promise<this> {
    return this.write(version, { routes: { [`GET /${this.name}`]: respond({ body: text }) } });
  }

  /** Writes the module alone. */
  module(wasm: Uint8Array): void {
    this.#put('plugin.wasm', wasm);
  }

  #put(file: string, content: Uint8Array | string): void {
    writeFileSync(join(this.folder, `${file}.new`), content);
    renameSync(join(this.folder, `${file}.new`), join(this.folder, file));
  }
}
