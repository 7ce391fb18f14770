import { escapeUnprintable } from '../log/escape.ts';
import { ManifestError } from '../manifest/manifest-error.ts';

/** What is needed to say where the host wanted to listen. */
export interface ListenTarget {
  readonly httpPort: number;
  readonly httpHost: string | undefined;
}

/**
 * What stderr says when the host could not start: one line with what failed, where, and what to do. Only a
 * manifest's problems have more lines, one each, as the ManifestError brings them.
 */
export function describeStartError(error: unknown, target: ListenTarget): string {
  if (!(error instanceof Error)) return `pulp: ${escapeUnprintable(String(error))}`;
  if (error instanceof ManifestError) return error.message;
  return `pulp: ${listenError(error, target) ?? escapeUnprintable(error.message)}`;
}

function listenError(error: NodeJS.ErrnoException, { httpPort, httpHost }: ListenTarget): string | undefined {
  if (error.syscall !== 'listen' && error.syscall !== 'getaddrinfo') return undefined;
  const where = httpHost === undefined ? `port ${httpPort}` : `${httpHost}, port ${httpPort}`;
  switch (error.code ?? '') {
    case 'EADDRINUSE':
      return `cannot listen on ${where}: another program uses it; end that program, or choose another port with -http-port or PULP_HTTP_PORT`;
    case 'EACCES':
      return `cannot listen on ${where}: this user may not; choose a port from 1024 on with -http-port`;
    case 'EADDRNOTAVAIL':
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
    case 'EINVAL':
      return `cannot listen on ${where}: that is no address of this machine; choose another with -http-host`;
    default:
      return `cannot listen on ${where}: ${escapeUnprintable(error.message)}`;
  }
}
