import type { PluginSpec } from '../manifest/plugin-spec.ts';

type Ordered = Pick<PluginSpec, 'name' | 'dependsOn' | 'file'>;

/**
 * Plugins in the order they are started in, a list for each round: what a plugin depends on is in an earlier one.
 * Within a round it is the order that they were named in. They are stopped the other way round. Throws when two have
 * one name, one depends on a plugin that is not there, or some depend on each other.
 */
export function startOrder<T extends Ordered>(plugins: readonly T[]): readonly (readonly T[])[] {
  const named = new Map<string, T>();
  for (const plugin of plugins) {
    const other = named.get(plugin.name);
    if (other !== undefined) {
      throw new Error(
        `${plugin.file}: ${other.file} has a plugin named ${plugin.name} already; names are unique`,
      );
    }
    named.set(plugin.name, plugin);
  }
  for (const { name, file, dependsOn } of plugins) {
    const missing = dependsOn.find((other) => !named.has(other));
    if (missing !== undefined) {
      throw new Error(`${file}: the plugin ${name} depends on ${missing}, which this host does not run`);
    }
  }
  const rounds: T[][] = [];
  let left = [...plugins];
  while (left.length > 0) {
    const waiting = new Set(left.map(({ name }) => name));
    const round = left.filter(({ dependsOn }) => !dependsOn.some((other) => waiting.has(other)));
    if (round.length === 0) {
      throw new Error(
        `the plugins ${[...waiting].join(', ')} depend on each other: none can be the first to start`,
      );
    }
    rounds.push(round);
    left = left.filter((plugin) => !round.includes(plugin));
  }
  return rounds;
}
