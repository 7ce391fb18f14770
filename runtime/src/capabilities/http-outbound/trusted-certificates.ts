import { readFileSync } from 'node:fs';
import { getCACertificates } from 'node:tls';
import type { Log } from '../../ext.ts';

/**
 * The certificates that servers are held against, in PEM: the system's, those of the file that
 * `NODE_EXTRA_CA_CERTS` names, and those of the file that `SSL_CERT_FILE` names. On a system that has none,
 * Node's own take the place of the system's.
 *
 * A file that cannot be read is a warning in the log, and its certificates are not trusted. Reading the system's
 * takes about 0.1 s, so it is done once, when the first `https:` URL is fetched.
 */
export function trustedCertificates(log: Log, file = process.env['SSL_CERT_FILE'] ?? ''): readonly string[] {
  const system = getCACertificates('system');
  return [
    ...new Set([
      ...(system.length > 0 ? system : getCACertificates('bundled')),
      ...getCACertificates('extra'),
      ...certificatesIn(file, log),
    ]),
  ];
}

function certificatesIn(file: string, log: Log): readonly string[] {
  if (file === '') return [];
  try {
    const text = readFileSync(file, 'latin1');
    return text.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [];
  } catch (error) {
    log.warn('certificates not read', {
      file,
      error: error instanceof Error ? error.message : String(error),
    });
    return [];
  }
}
