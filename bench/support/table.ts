import type { Goal, Row } from './measurement.ts';

const columns = ['What', 'Measured', 'Beside it', 'Ratio', 'Goal', 'Met', 'Original (Go host)'];

/** Rows as a Markdown table. Cells that have nothing to say are empty. */
export function table(rows: readonly Row[]): string {
  const lines = [columns, columns.map((name) => (name === 'Ratio' ? '---:' : '---')), ...rows.map(cells)];
  return lines.map((line) => `| ${line.map(escape).join(' | ')} |\n`).join('');
}

function cells({ what, measured, beside = '', ratio, goals = [], original = '' }: Row): string[] {
  const each = (text: (goal: Goal) => string): string => goals.map(text).join('; ');
  const quotient = ratio === undefined ? '' : ratio.toFixed(2);
  return [
    what,
    measured,
    beside,
    quotient,
    each(({ text }) => text),
    each(({ met }) => (met ? 'yes' : 'no')),
    original,
  ];
}

/** What would end a cell or a row. */
function escape(text: string): string {
  return text.replaceAll('|', '\\|').replaceAll(/\s*\n\s*/g, ' ');
}
