import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';

/**
 * A folder of the PATH with a Node that is older than the one Pulp needs; undefined when there is none. What
 * npm puts on the PATH of its scripts does not count.
 */
export function folderOfOlderNode(): string | undefined {
  return (process.env['PATH'] ?? '').split(delimiter).find((folder) => {
    const node = join(folder, process.platform === 'win32' ? 'node.exe' : 'node');
    if (folder.includes('node_modules') || !existsSync(node)) return false;
    const { stdout } = spawnSync(node, ['-p', 'process.versions.node'], { encoding: 'utf8' });
    return Number.parseInt(stdout, 10) < 26;
  });
}
