import {
  BACKUP_FLAGS,
  FLAGS,
  RESTORE_FLAGS,
  SWITCHES,
  flagName,
  flagShape,
  keysOf,
  variableName,
  type FlagTable,
} from './flags.ts';

/** What stderr gets after a command line that cannot be understood. */
export function usage(): string {
  return `Usage: pulp run [FOLDER | MANIFEST] [flags]
       pulp -manifest PATH [flags]
       pulp backup -to FOLDER [flags]
       pulp restore -from FOLDER [flags]
\`pulp --help\` lists the flags.
`;
}

/** What `pulp --help` prints. */
export function help(): string {
  return `Pulp runs WebAssembly plugins: HTTP, files, SQLite and more, behind one boundary.

Usage:
  pulp run [FOLDER | MANIFEST] [flags]   run a plugin; without a folder, the one you are in
  pulp -manifest PATH [flags]            the same
  pulp backup -to FOLDER                 copy what plugins keep, also while they run
  pulp restore -from FOLDER              put such a copy back
  pulp help                              show this text

Flags, with one dash or two, as -flag value or -flag=value:
${flagLines(FLAGS)}
${switchLines()}

Flags of pulp backup:
${flagLines(BACKUP_FLAGS)}

Flags of pulp restore:
${flagLines(RESTORE_FLAGS)}

Exit codes: 0 stopped in order, 1 could not start or something was cut off, 2 the command line
cannot be understood, 70 an error in Pulp itself, 130 and 143 ended by a second signal.
`;
}

/** Flags as a table in Markdown: what the documentation shows. A test holds one against the other. */
export function flagTable(table: FlagTable): string {
  const rows = flagRows(table).map(
    (cells) => `| ${cells.map((cell) => cell.replaceAll('|', String.raw`\|`)).join(' | ')} |\n`,
  );
  return `| Flag | Variable | Default | |\n|---|---|---|---|\n${rows.join('')}`;
}

/** The cells of that table. */
export function flagRows(table: FlagTable): string[][] {
  return Object.entries(table).map(([key, flag]) => [
    `\`${flagShape(key, flag)}\``,
    flag.withoutVariable === true ? '' : `\`${variableName(key)}\``,
    flag.fallback === undefined ? (flag.fallbackNote ?? '') : `\`${flag.fallback}\``,
    flag.about,
  ]);
}

function flagLines(table: FlagTable): string {
  const lines: string[] = [];
  for (const [key, flag] of Object.entries(table)) {
    const fallback = flag.fallback ?? flag.fallbackNote;
    const notes = [
      ...(fallback === undefined ? [] : [`default: ${fallback}`]),
      ...(flag.withoutVariable === true ? [] : [`variable: ${variableName(key)}`]),
    ];
    lines.push(`  ${flagShape(key, flag)}`, `      ${flag.about}`);
    if (notes.length > 0) lines.push(`      ${notes.join('; ')}`);
  }
  return lines.join('\n');
}

function switchLines(): string {
  return keysOf(SWITCHES)
    .flatMap((key) => [`  -${flagName(key)}`, `      ${SWITCHES[key].about}`])
    .join('\n');
}
