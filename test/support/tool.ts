import { spawnSync } from 'node:child_process';

/**
 * Gives a reason to skip what needs a program that is not installed, and false when it is. With
 * `PULP_REQUIRE_TOOLS=1` a missing one is an error instead.
 */
export function missingTool(name: string): string | false {
  const { error } = spawnSync(name, ['--version']);
  if (error === undefined) return false;
  if (process.env['PULP_REQUIRE_TOOLS'] === '1') throw new Error(`${name} is not installed`);
  return `${name} is not installed`;
}
