import { escapeUnprintable } from '../log/escape.ts';
import { ManifestError } from '../manifest/manifest-error.ts';

/** What is needed to say where the host wanted to listen, and which flag said so. */
export interface ListenTarget {
  readonly flag: '-http-port' | '-health-port';
  readonly port: number;
  readonly host: string | undefined;
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

function listenError(error: NodeJS.ErrnoException, target: ListenTarget): string | undefined {
  if (error.syscall !== 'listen' && error.syscall !== 'getaddrinfo') return undefined;
  const { flag, port, host } = target;
  const where = host === undefined ? `port ${port}` : `${host}, port ${port}`;
  const variable = `PULP_${flag.slice(1).replaceAll('-', '_').toUpperCase()}`;
  switch (error.code ?? '') {
    case 'EADDRINUSE':
      return `cannot listen on ${where}: another program uses it; end that program, or choose another port with ${flag} or ${variable}`;
    case 'EACCES':
      return `cannot listen on ${where}: this user may not; choose a port from 1024 on with ${flag}`;
    case 'EADDRNOTAVAIL':
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
    case 'EINVAL':
      return `cannot listen on ${where}: that is no address of this machine; choose another with -http-host`;
    default:
      return `cannot listen on ${where}: ${escapeUnprintable(error.message)}`;
  }
}
