import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Scope } from './scope.ts';

const run = promisify(execFile);

/** A key and its certificate, in PEM. */
export interface Pair {
  readonly key: string;
  readonly cert: string;
}

export interface CertificateOptions {
  /** Such as `DNS:localhost,IP:127.0.0.1`. */
  readonly names: string;
  /** When it ends, in days from now; 1 unless given. */
  readonly days?: number;
}

/** An authority of a test's own. Its files go with the test. */
export class Authority {
  /** The file of its certificate. */
  readonly file: string;
  readonly #folder: string;
  #count = 0;

  private constructor(folder: string) {
    this.#folder = folder;
    this.file = join(folder, 'ca.pem');
  }

  static async create(t: Scope): Promise<Authority> {
    const folder = await mkdtemp(join(tmpdir(), 'pulp-test-ca-'));
    t.after(() => rm(folder, { recursive: true, force: true }));
    const authority = new Authority(folder);
    await run('openssl', [
      'req',
      '-x509',
      '-newkey',
      'ec',
      '-pkeyopt',
      'ec_paramgen_curve:P-256',
      '-nodes',
      '-days',
      '1',
      '-subj',
      '/CN=Pulp test authority',
      '-addext',
      'keyUsage=critical,keyCertSign',
      '-keyout',
      join(folder, 'ca.key'),
      '-out',
      authority.file,
    ]);
    return authority;
  }

  /** A certificate that it vouches for. */
  async issue({ names, days = 1 }: CertificateOptions): Promise<Pair> {
    const at = (end: string): string => join(this.#folder, `${this.#count}.${end}`);
    this.#count += 1;
    await writeFile(at('ext'), `subjectAltName=${names}\nextendedKeyUsage=serverAuth\n`);
    await run('openssl', [
      'req',
      '-newkey',
      'ec',
      '-pkeyopt',
      'ec_paramgen_curve:P-256',
      '-nodes',
      '-subj',
      '/CN=test',
      '-keyout',
      at('key'),
      '-out',
      at('csr'),
    ]);
    await run('openssl', [
      'x509',
      '-req',
      '-in',
      at('csr'),
      '-CA',
      this.file,
      '-CAkey',
      join(this.#folder, 'ca.key'),
      '-extfile',
      at('ext'),
      '-out',
      at('pem'),
      '-days',
      String(days),
    ]);
    return { key: await readFile(at('key'), 'utf8'), cert: await readFile(at('pem'), 'utf8') };
  }
}
