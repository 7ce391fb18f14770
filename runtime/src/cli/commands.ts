import { BACKUP_FLAGS, FLAGS, flag, RESTORE_FLAGS, type FlagTable } from './flags.ts';
import { count, duration, text, toggle } from './values.ts';

const json = flag(toggle(), {
  fallbackNote: 'false on a terminal, otherwise true',
  withoutVariable: true,
  about: 'print JSON, an object a line, instead of a table',
});

/** The flags of `pulp ps`. */
export const PS_FLAGS = {
  storageRoot: FLAGS.storageRoot,
  quiet: flag(toggle(), {
    fallback: 'false',
    withoutVariable: true,
    letter: 'q',
    about: 'print their names only',
  }),
  json,
} as const;

/** The flags of `pulp stats`. */
export const STATS_FLAGS = {
  storageRoot: FLAGS.storageRoot,
  watch: flag(toggle(), { fallback: 'false', withoutVariable: true, about: 'go on, each second' }),
  json,
} as const;

/** The flags of `pulp logs`. */
export const LOGS_FLAGS = {
  storageRoot: FLAGS.storageRoot,
  follow: flag(toggle(), {
    fallback: 'false',
    withoutVariable: true,
    letter: 'f',
    about: 'go on with lines as they come, until the host ends',
  }),
  tail: flag(count('COUNT', { min: 0, max: 1_000_000 }), {
    fallbackNote: 'all that are kept',
    withoutVariable: true,
    letter: 'n',
    about: 'begin with so many of the last lines',
  }),
  since: flag(duration({ min: 1 }), {
    fallbackNote: 'all that are kept',
    withoutVariable: true,
    about: 'begin with lines that are younger than this, such as 10m',
  }),
  logFormat: FLAGS.logFormat,
  json: flag(toggle(), {
    fallback: 'false',
    withoutVariable: true,
    about: 'the same as -log-format json',
  }),
} as const;

/** The flags of `pulp inspect`. */
export const INSPECT_FLAGS = {
  storageRoot: FLAGS.storageRoot,
  json: flag(toggle(), {
    fallback: 'true',
    withoutVariable: true,
    about: 'print JSON, a list of objects; false: a table for each',
  }),
} as const;

/** The flags of what does something with plugins: `pulp stop`, `start`, `restart` and `reload`. */
export const ACT_FLAGS = {
  storageRoot: FLAGS.storageRoot,
  json: flag(toggle(), {
    fallback: 'false',
    withoutVariable: true,
    about: 'print how each plugin is afterwards, as JSON, instead of its name',
  }),
} as const;

/** The flags of `pulp bundle`. */
export const BUNDLE_FLAGS = {
  out: flag(text('FILE'), { withoutVariable: true, letter: 'o', about: 'the program to write' }),
  manifest: flag(text('PATH'), {
    repeatable: true,
    withoutVariable: true,
    about: 'plugin to put inside: its pulp.plugin.toml or folder; repeat it for several',
  }),
  entry: flag(text('MODULE'), {
    withoutVariable: true,
    fallbackNote: 'the plain command',
    about: 'program that calls main() of pulp-runtime/run, with its extensions',
  }),
  ext: flag(text('MODULE'), {
    repeatable: true,
    withoutVariable: true,
    about: 'extension to put inside where there is no -entry; repeat it for several',
  }),
} as const;

/** A command as help shows it. */
export interface CommandInfo {
  /** What stands behind its name. */
  readonly words: string;
  readonly about: string;
  readonly flags: FlagTable;
}

/** Every command, in the order of the help. */
export const COMMANDS = {
  run: {
    words: '[FOLDER | MANIFEST]...',
    about: 'run plugins; without a folder, the one you are in',
    flags: FLAGS,
  },
  ps: { words: '', about: 'list the plugins of a running host', flags: PS_FLAGS },
  stats: { words: '[PLUGIN]...', about: 'show what they use', flags: STATS_FLAGS },
  logs: { words: '[PLUGIN]', about: 'show the log of a plugin, or of all', flags: LOGS_FLAGS },
  inspect: { words: 'PLUGIN...', about: 'show all that is known of a plugin', flags: INSPECT_FLAGS },
  stop: {
    words: 'PLUGIN...',
    about: 'shut plugins down and leave them so: clients get 503',
    flags: ACT_FLAGS,
  },
  start: { words: 'PLUGIN...', about: 'start plugins that are stopped or failed', flags: ACT_FLAGS },
  restart: { words: 'PLUGIN...', about: 'stop plugins and start them again', flags: ACT_FLAGS },
  reload: {
    words: '[PLUGIN]...',
    about: 'load changed files without losing a request; all without a name',
    flags: ACT_FLAGS,
  },
  bundle: {
    words: '-o FILE [FOLDER]...',
    about: 'make one executable of Pulp and plugins, for machines without Node',
    flags: BUNDLE_FLAGS,
  },
  backup: {
    words: '-to FOLDER',
    about: 'copy what plugins keep, also while they run',
    flags: BACKUP_FLAGS,
  },
  restore: { words: '-from FOLDER', about: 'put such a copy back', flags: RESTORE_FLAGS },
} as const satisfies Readonly<Record<string, CommandInfo>>;

export type CommandName = keyof typeof COMMANDS;
