import {
  FLAGS,
  SWITCHES,
  flagName,
  flagShape,
  keysOf,
  variableName,
  type Flag,
  type FlagKey,
} from './flags.ts';

/** What stderr gets after a command line that cannot be understood. */
export function usage(): string {
  return `Usage: pulp run [FOLDER | MANIFEST] [flags]
       pulp -manifest PATH [flags]
\`pulp --help\` lists the flags.
`;
}

/** What `pulp --help` prints. */
export function help(): string {
  return `Pulp runs WebAssembly plugins: HTTP, files, SQLite and more, behind one boundary.

Usage:
  pulp run [FOLDER | MANIFEST] [flags]   run a plugin; without a folder, the one you are in
  pulp -manifest PATH [flags]            the same
  pulp help                              show this text

Flags, with one dash or two, as -flag value or -flag=value:
${flagLines()}

Exit codes: 0 stopped in order, 1 could not start or something was cut off, 2 the command line
cannot be understood, 70 an error in Pulp itself, 130 and 143 ended by a second signal.
`;
}

/** The flags as a table in Markdown: what the documentation shows. A test holds one against the other. */
export function flagTable(): string {
  const rows = valueFlags().map(({ key, flag }) => {
    const cells = [
      `\`${flagShape(key)}\``,
      `\`${variableName(key)}\``,
      flag.fallback === undefined ? (flag.fallbackNote ?? '') : `\`${flag.fallback}\``,
      flag.about,
    ];
    return `| ${cells.map((cell) => cell.replaceAll('|', String.raw`\|`)).join(' | ')} |\n`;
  });
  return `| Flag | Variable | Default | |\n|---|---|---|---|\n${rows.join('')}`;
}

function flagLines(): string {
  const lines: string[] = [];
  for (const { key, flag } of valueFlags()) {
    const fallback = flag.fallback ?? flag.fallbackNote;
    lines.push(
      `  ${flagShape(key)}`,
      `      ${flag.about}`,
      `      ${fallback === undefined ? '' : `default: ${fallback}; `}variable: ${variableName(key)}`,
    );
  }
  for (const [key, { about }] of Object.entries(SWITCHES))
    lines.push(`  -${flagName(key)}`, `      ${about}`);
  return lines.join('\n');
}

function valueFlags(): { readonly key: FlagKey; readonly flag: Flag }[] {
  return keysOf(FLAGS).map((key) => ({ key, flag: FLAGS[key] }));
}
