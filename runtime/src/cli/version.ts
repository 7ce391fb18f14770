import { readFileSync } from 'node:fs';

/** The package's own package.json: two folders up from here both in the source and in `dist`. */
const PACKAGE = new URL('../../package.json', import.meta.url);

/** The version of Pulp, as its package.json has it. */
export function version(): string {
  const parsed: unknown = JSON.parse(readFileSync(PACKAGE, 'utf8'));
  return typeof parsed === 'object' && parsed !== null && 'version' in parsed
    ? String(parsed.version)
    : 'unknown';
}
