import { resolve } from 'node:path';
import type { KeyPair } from '../edge/secure-front.ts';
import type { Log } from '../ext.ts';

/** What `Host.start` needs of its options. */
export interface CertificateOptions {
  readonly httpCert?: string;
  readonly httpKey?: string;
}

export interface LoadedCertificate {
  readonly keyPair: KeyPair;
  /** Hands over each pair that takes this one's place. */
  watch(use: (keyPair: KeyPair) => void): Disposable;
}

/**
 * Reads the certificate that the options name; undefined when they name none. Throws an error that says which file is
 * wrong, and what is. What reads certificates is loaded only where there is one.
 */
export async function loadCertificate(
  { httpCert, httpKey }: CertificateOptions,
  log: Log,
): Promise<LoadedCertificate | undefined> {
  if (httpCert === undefined && httpKey === undefined) return undefined;
  if (httpCert === undefined || httpKey === undefined) {
    throw new Error(`${httpCert ?? httpKey}: HTTPS needs both a certificate and its private key`);
  }
  const [{ readCertificate }, { CertificateWatch, warnOfValidity }] = await Promise.all([
    import('./certificate.ts'),
    import('./certificate-watch.ts'),
  ]);
  const files = { cert: resolve(httpCert), key: resolve(httpKey) };
  const certificate = await readCertificate(files);
  warnOfValidity(files, certificate, log);
  return {
    keyPair: certificate,
    watch: (use) => new CertificateWatch(files, { current: certificate, use, log }),
  };
}
