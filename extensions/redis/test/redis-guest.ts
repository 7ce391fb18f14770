import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { encode, type Encodable } from 'pulp-runtime/ext';
import { environment, PulpProcess } from '../../../test/support/pulp-process.ts';
import type { Scope } from '../../../test/support/scope.ts';

const guest = join(import.meta.dirname, 'guest');
const extension = fileURLToPath(new URL('../src/index.ts', import.meta.url));

/** What a function gave. */
export interface Answer {
  readonly code: number;
  readonly bytes: Buffer;
}

/** Compiles the guest of these tests. */
export async function buildGuest(): Promise<void> {
  const asc = fileURLToPath(import.meta.resolve('assemblyscript/bin/asc.js'));
  await promisify(execFile)(process.execPath, [asc], { cwd: guest });
}

export interface GuestOptions {
  readonly name?: string;
  /** Channels that it subscribes to in its init. */
  readonly subscribe?: readonly string[];
  /** Lines of `[redis]`. */
  readonly options?: string;
}

export interface StartOptions {
  /** Instead of one that is made from the other options. */
  readonly manifest?: string;
  /** Variables of the environment. */
  readonly env?: Readonly<Record<string, string>>;
}

/** A manifest for the guest, in a folder that goes with the test. */
export async function guestManifest(
  t: Scope,
  { name = 'guest', subscribe = [], options = '' }: GuestOptions = {},
): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'pulp-test-redis-guest-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  const file = join(folder, 'pulp.plugin.toml');
  await writeFile(file, manifestText({ name, subscribe, options }));
  return file;
}

export function manifestText({ name = 'guest', subscribe = [], options = '' }: GuestOptions): string {
  return `name = "${name}"
version = "1.0.0"
wasm = "${join(guest, 'build', 'guest.wasm')}"
capabilities = ["transport.http.inbound", "redis"]
[config]
subscribe = ${JSON.stringify(subscribe)}
[redis]
${options}
`;
}

/** The guest behind the real command. */
export class RedisGuest {
  readonly pulp: PulpProcess;

  private constructor(pulp: PulpProcess) {
    this.pulp = pulp;
  }

  static async start(
    t: Scope,
    url: string,
    { manifest, env, ...options }: GuestOptions & StartOptions = {},
  ): Promise<RedisGuest> {
    const pulp = await PulpProcess.start(t, {
      manifest: manifest ?? (await guestManifest(t, options)),
      args: ['-ext', extension],
      env: { ...environment(), ...env, PULP_REDIS_URL: url },
    });
    return new RedisGuest(pulp);
  }

  /** Calls a function with these bytes. */
  async bytes(name: string, body: string | Uint8Array): Promise<Answer> {
    const response = await fetch(`${this.pulp.url}/${name}`, { method: 'POST', body: Buffer.from(body) });
    return {
      code: Number(response.headers.get('x-code') ?? `-${response.status}`),
      bytes: Buffer.from(await response.arrayBuffer()),
    };
  }

  /** Calls a function with a message. */
  message(name: string, message: Encodable): Promise<Answer> {
    return this.bytes(name, encode(message));
  }

  /** The messages that the plugin got so far, as `channel=text`. */
  async messages(): Promise<readonly string[]> {
    const text = await (await fetch(`${this.pulp.url}/messages`)).text();
    return text === '' ? [] : text.split('\n');
  }
}
