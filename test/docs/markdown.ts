import { readFile } from 'node:fs/promises';
import { globSync } from 'node:fs';
import { join, sep } from 'node:path';

export const root = join(import.meta.dirname, '..', '..');

/** A fenced block of code. */
export interface Block {
  readonly language: string;
  readonly text: string;
  /** The heading it stands under; empty before the first. */
  readonly heading: string;
  /** Line of its first line of code, from 1. */
  readonly line: number;
}

/** A table. Cells are Markdown, trimmed, with `\|` as `|`. */
export interface Table {
  readonly columns: readonly string[];
  readonly rows: readonly (readonly string[])[];
  readonly heading: string;
}

export interface Link {
  readonly target: string;
  readonly line: number;
}

/** A Markdown document, as far as tests look at it. */
export interface Document {
  /** Relative to the root, with `/`. */
  readonly file: string;
  readonly text: string;
  readonly blocks: readonly Block[];
  readonly tables: readonly Table[];
  readonly links: readonly Link[];
  /** What links may have behind `#`. */
  readonly anchors: ReadonlySet<string>;
}

/** Every document of the repository but those of dependencies and builds. */
export function documents(): Promise<Document[]> {
  const files = globSync('**/*.md', {
    cwd: root,
    // The package's copy of the root's README has links that lead out of the package.
    exclude: ['**/node_modules/**', '**/dist/**', '**/build/**', 'bench/results/**', 'runtime/README.md'],
  });
  return Promise.all(files.toSorted().map((file) => readDocument(file.split(sep).join('/'))));
}

export async function readDocument(file: string): Promise<Document> {
  const text = await readFile(join(root, file), 'utf8');
  const blocks: Block[] = [];
  const tables: Table[] = [];
  const links: Link[] = [];
  const anchors = new Set<string>();
  let heading = '';
  let block: { language: string; lines: string[]; line: number } | undefined;
  let table: string[][] = [];
  for (const [index, line] of [...text.split('\n'), ''].entries()) {
    const fence = /^```(\w*)/.exec(line);
    if (block !== undefined) {
      if (fence === null) block.lines.push(line);
      else {
        blocks.push({ language: block.language, text: block.lines.join('\n'), heading, line: block.line });
        block = undefined;
      }
      continue;
    }
    if (line.startsWith('|')) table.push(cellsOf(line));
    else if (table.length > 0) {
      const [columns = [], , ...rows] = table;
      tables.push({ columns, rows, heading });
      table = [];
    }
    if (fence !== null) block = { language: fence[1] ?? '', lines: [], line: index + 2 };
    const title = /^#+ (.+)$/.exec(line)?.[1];
    if (title !== undefined) {
      heading = title;
      anchors.add(anchorOf(title, anchors));
    }
    for (const [, target = ''] of withoutCode(line).matchAll(/\]\(([^)\s]+)\)/g))
      links.push({ target, line: index + 1 });
  }
  return { file, text, blocks, tables, links, anchors };
}

/** The one table under a heading. */
export function tableUnder({ file, tables }: Document, heading: string): Table {
  const found = tables.find((table) => table.heading === heading);
  if (found === undefined) throw new Error(`${file} has no table under "${heading}"`);
  return found;
}

/** The text of a cell that is one span of code; otherwise the cell. */
export function code(cell: string | undefined): string {
  return /^`([^`]*)`$/.exec(cell ?? '')?.[1] ?? cell ?? '';
}

/** Every span of code in a text. */
export function codes(text: string): string[] {
  return Array.from(text.matchAll(/`([^`]+)`/g), ([, span = '']) => span);
}

function cellsOf(line: string): string[] {
  const cells = line
    .trim()
    .slice(1)
    .split(/(?<!\\)\|/);
  return cells.slice(0, -1).map((cell) => cell.trim().replaceAll(String.raw`\|`, '|'));
}

function withoutCode(line: string): string {
  return line.replaceAll(/`[^`]*`/g, (span) => (span.includes('](') ? '' : span));
}

/** As GitHub makes them: lower case, punctuation dropped, blanks as dashes, a number where it is there already. */
function anchorOf(title: string, taken: ReadonlySet<string>): string {
  const plain = title.replaceAll(/\[([^\]]*)\]\([^)]*\)/g, '$1').toLowerCase();
  const anchor = plain.replaceAll(/[^\p{L}\p{N}\p{M}\-_ ]/gu, '').replaceAll(' ', '-');
  for (let count = 0; ; count++) {
    const candidate = count === 0 ? anchor : `${anchor}-${count}`;
    if (!taken.has(candidate)) return candidate;
  }
}
