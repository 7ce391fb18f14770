import { readFileSync } from 'node:fs';
import { bundleDescription } from '../host/embedded.ts';

/** The version of Pulp, as its package.json has it. */
export function version(): string {
  const bundled = bundleDescription();
  if (bundled !== undefined) return bundled.version;
  // Two folders up from here both in the source and in `dist`.
  const parsed: unknown = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'));
  return typeof parsed === 'object' && parsed !== null && 'version' in parsed
    ? String(parsed.version)
    : 'unknown';
}
