import { escapeUnprintable } from '../log/escape.ts';

/** Lines of a table as Docker prints one: columns as wide as they have to be, three blanks between. */
export function table(heads: readonly string[], rows: readonly (readonly string[])[]): string {
  const lines = [heads, ...rows].map((cells) => cells.map(escapeUnprintable));
  const widths = heads.map((_, column) => Math.max(...lines.map((cells) => cells[column]?.length ?? 0)));
  const texts = lines.map((cells) =>
    cells
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('   ')
      .trimEnd(),
  );
  return `${texts.join('\n')}\n`;
}

/** Bytes for people, to three digits: `64KiB`, `1.5MiB`, `0B`. */
export function bytes(count: number): string {
  if (count < 1024) return `${count}B`;
  let amount = count;
  let unit = 0;
  while (amount >= 1024 && unit < units.length - 1) {
    amount /= 1024;
    unit += 1;
  }
  return `${Number(amount.toPrecision(3))}${units[unit] ?? ''}`;
}

const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'];

/** A time for people, its two largest units: `3d4h`, `5m12s`, `0s`. */
export function span(ms: number): string {
  let left = Math.max(0, Math.floor(ms / 1000));
  const parts: string[] = [];
  for (const [unit, seconds] of spans) {
    const count = Math.floor(left / seconds);
    left -= count * seconds;
    if (count > 0 || parts.length > 0) parts.push(count === 0 ? '' : `${count}${unit}`);
    if (parts.length === 2) break;
  }
  return parts.join('') || '0s';
}

const spans = [
  ['d', 86_400],
  ['h', 3_600],
  ['m', 60],
  ['s', 1],
] as const;
