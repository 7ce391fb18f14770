import { COMMANDS, type CommandName } from './commands.ts';
import { FLAGS, SWITCHES, flagName, flagShape, keysOf, variableName, type FlagTable } from './flags.ts';

/** What stderr gets after a command line that cannot be understood; `topic` is the command that it was for. */
export function usage(topic?: CommandName): string {
  if (topic !== undefined) {
    return `${usageLine(topic)}\n\`pulp help ${topic}\` lists its flags.\n`;
  }
  return `Usage: pulp run [FOLDER | MANIFEST]... [flags]
       pulp COMMAND [flags]
\`pulp --help\` lists commands and flags.
`;
}

/** What `pulp --help` prints, or `pulp help` with a command. */
export function help(topic?: CommandName): string {
  return topic === undefined ? helpOnAll() : helpOn(topic);
}

function helpOnAll(): string {
  return `Pulp runs WebAssembly plugins: HTTP, files, SQLite and more, behind one boundary.

Usage:
  pulp run [FOLDER | MANIFEST]... [flags]
  pulp -manifest PATH [flags]
  pulp COMMAND [flags]

Commands:
${commandLines()}

Flags of pulp run, with one dash or two, as -flag value or -flag=value:
${flagLines(FLAGS)}
${switchLines()}

Exit codes: 0 stopped in order, 1 could not start or something was cut off, 2 the command line
cannot be understood, 70 an error in Pulp itself, 130 and 143 ended by a second signal.
`;
}

function helpOn(topic: CommandName): string {
  const { about, flags } = COMMANDS[topic];
  return `${usageLine(topic)}

${about.slice(0, 1).toUpperCase()}${about.slice(1)}.

Flags, with one dash or two, as -flag value or -flag=value:
${flagLines(flags)}
${switchLines()}
`;
}

function usageLine(topic: CommandName): string {
  return `Usage: ${`pulp ${topic} ${COMMANDS[topic].words}`.trimEnd()} [flags]`;
}

function commandLines(): string {
  const lines = keysOf(COMMANDS).map((name) => [`${name} ${COMMANDS[name].words}`, COMMANDS[name].about]);
  lines.push(
    ['help [COMMAND]', 'show this text, or the flags of a command'],
    ['version', SWITCHES.version.about],
  );
  const width = Math.max(...lines.map(([command = '']) => command.length));
  return lines.map(([command = '', about = '']) => `  ${command.padEnd(width)}   ${about}`).join('\n');
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
