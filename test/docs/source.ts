import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './markdown.ts';

const folder = join(root, 'runtime', 'src');

/** The text of a file below `runtime/src`. */
export function sourceOf(file: string): string {
  return readFileSync(join(folder, file), 'utf8');
}

/** The text of every source of the runtime, tests left out. */
export function allSources(): string {
  const files = globSync('**/*.ts', { cwd: folder }).filter((file) => !/\.(?:test|suite)\.ts$/.test(file));
  return files.map(sourceOf).join('\n');
}

/**
 * The number that a source gives a name, as `const name = 2 * 1024`, `name: 5000`, `this.x.name ?? 5`: for
 * constants that are nobody's business outside of their file, and documented all the same.
 */
export function constantIn(file: string, name: string): number {
  const expression = new RegExp(String.raw`\b${name}(?: =|:| \?\?) ([\d_]+(?: (?:\*\*?|[-+]) [\d_]+)*)`).exec(
    sourceOf(file),
  )?.[1];
  if (expression === undefined) throw new Error(`${file} gives no number to ${name}`);
  const [first = '', ...rest] = expression.replaceAll('_', '').split(' ');
  let value = Number(first);
  // From left to right, which is right for products with a sum behind them.
  for (let index = 0; index < rest.length; index += 2) {
    const operand = Number(rest[index + 1]);
    const operator = rest[index];
    if (operator === '**') value **= operand;
    else if (operator === '*') value *= operand;
    else value += operator === '-' ? -operand : operand;
  }
  return value;
}
