import { copyFile, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Scope } from './scope.ts';

const folder = join(import.meta.dirname, 'certificates');

/** The path of one of the files that `certificates/README.md` lists. */
export function certificateFile(name: string): string {
  return join(folder, name);
}

/** The text of one of them. */
export function readCertificateFile(name: string): Promise<string> {
  return readFile(certificateFile(name), 'utf8');
}

/** Flags for a host that serves HTTPS with the pair of this name. */
export function httpsFlags(name = 'first'): readonly string[] {
  return ['-http-cert', certificateFile(`${name}.crt`), '-http-key', certificateFile(`${name}.key`)];
}

/** A folder of its own for a test, with `tls.crt` and `tls.key`, which it may replace. */
export async function certificateFolder(
  t: Scope,
  name = 'first',
): Promise<{ readonly folder: string; readonly cert: string; readonly key: string }> {
  const own = await mkdtemp(join(tmpdir(), 'pulp-test-certificate-'));
  t.after(() => rm(own, { recursive: true, force: true }));
  const files = { folder: own, cert: join(own, 'tls.crt'), key: join(own, 'tls.key') };
  await copyFile(certificateFile(`${name}.crt`), files.cert);
  await copyFile(certificateFile(`${name}.key`), files.key);
  return files;
}
