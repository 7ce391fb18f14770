/** Longest plugin name, in bytes of UTF-8: what the usual file systems take as a folder's name. */
export const maxNameBytes = 255;

/** What the host itself keeps beside the folders of plugins. */
const hostsOwn: ReadonlySet<string> = new Set(['.pulp', 'pulp.sock']);

/**
 * What keeps a text from being a plugin's name, or undefined when it is one. A plugin's files live in a folder
 * of that name, so a name MUST NOT lead anywhere else (contract section 7). A blank at either end is refused
 * rather than trimmed: two names would meet in one folder, and Windows drops the last one by itself.
 */
export function faultOfName(name: string): string | undefined {
  if (name.trim() === '') return 'is blank';
  if (/[/\\]/.test(name)) return 'must not have / or \\ in it: it names a folder';
  if (name === '.' || name === '..') return 'must not be . or ..: it names a folder';
  if (/\p{Cc}/u.test(name)) return 'must not have control characters in it';
  if (hostsOwn.has(name.toLowerCase())) return `must not be ${name.toLowerCase()}: that is the host's own`;
  if (name.trim() !== name) return 'must not begin or end with a blank';
  const bytes = Buffer.byteLength(name);
  return bytes > maxNameBytes ? `has ${bytes} bytes, the limit is ${maxNameBytes}` : undefined;
}
