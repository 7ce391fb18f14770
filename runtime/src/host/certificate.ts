import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto';
import { createSecureContext } from 'node:tls';
import type { KeyPair } from '../edge/secure-front.ts';
import { readBounded } from './load-plugin.ts';

/** Where a certificate and its private key are, both PEM. They may be the same file. */
export interface CertificateFiles {
  readonly cert: string;
  readonly key: string;
}

/** A certificate that TLS can use. */
export interface Certificate extends KeyPair {
  /** When it begins and ceases to be valid. */
  readonly validFrom: Date;
  readonly validTo: Date;
}

/** Largest file of a certificate, with its chain, or of a key, in bytes. */
const maxFileBytes = 1024 * 1024;

/**
 * Reads a certificate, with its chain behind it, and its key. Throws an error that names the file and says what is
 * wrong with it. An expired certificate is none: see {@link isValidAt}.
 */
export async function readCertificate(files: CertificateFiles): Promise<Certificate> {
  const cert = await readBounded(files.cert, { what: 'certificate', limit: maxFileBytes });
  const key = await readBounded(files.key, { what: 'private key', limit: maxFileBytes });
  const first = parseCertificate(cert, files.cert);
  const privateKey = parseKey(key, files.key);
  if (!first.checkPrivateKey(privateKey)) {
    throw new Error(
      `${files.key}: the private key does not match the certificate in ${files.cert}; ` +
        'where that has several, its own has to be the first',
    );
  }
  try {
    // What else TLS may find wrong with them, such as a key that is too small.
    createSecureContext({ cert, key });
  } catch (error) {
    throw new Error(`${files.cert}: the certificate cannot be used: ${sayingOf(error)}`, { cause: error });
  }
  return { cert, key, validFrom: new Date(first.validFrom), validTo: new Date(first.validTo) };
}

/** Whether a time, in milliseconds since 1970, is within a certificate's. */
export function isValidAt(time: number, { validFrom, validTo }: Certificate): boolean {
  return time >= validFrom.getTime() && time <= validTo.getTime();
}

function parseCertificate(pem: Buffer, file: string): X509Certificate {
  const text = pem.toString('latin1');
  if (
    !text.includes('-----BEGIN CERTIFICATE-----') &&
    !text.includes('-----BEGIN TRUSTED CERTIFICATE-----')
  ) {
    const swapped = /-----BEGIN [A-Z ]*PRIVATE KEY-----/.test(text);
    throw new Error(
      swapped
        ? `${file}: this is a private key, not a certificate; the two may be mixed up`
        : `${file}: there is no certificate in PEM in it`,
    );
  }
  try {
    return new X509Certificate(pem);
  } catch (error) {
    throw new Error(`${file}: the certificate is broken: ${sayingOf(error)}`, { cause: error });
  }
}

function parseKey(pem: Buffer, file: string): KeyObject {
  const text = pem.toString('latin1');
  if (!/-----BEGIN [A-Z ]*PRIVATE KEY-----/.test(text)) {
    const swapped = text.includes('-----BEGIN CERTIFICATE-----');
    throw new Error(
      swapped
        ? `${file}: this is a certificate, not a private key; the two may be mixed up`
        : `${file}: there is no private key in PEM in it`,
    );
  }
  if (/-----BEGIN ENCRYPTED PRIVATE KEY-----|^Proc-Type: 4,ENCRYPTED/m.test(text)) {
    throw new Error(
      `${file}: the private key is encrypted, and nobody is there to ask for its password; ` +
        'write it without one: openssl pkey -in FILE -out FILE',
    );
  }
  try {
    return createPrivateKey(pem);
  } catch (error) {
    throw new Error(`${file}: the private key is broken: ${sayingOf(error)}`, { cause: error });
  }
}

/** What OpenSSL says, without where in its source it says so. */
function sayingOf(error: unknown): string {
  const { message } = error as Error;
  return /^error:[^:]*:[^:]*:[^:]*:(.*)$/s.exec(message)?.[1] ?? message;
}
