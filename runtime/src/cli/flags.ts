import { LOG_FORMATS } from '../log/logger.ts';
import { LEVELS } from '../log/level.ts';
import { choice, count, duration, size, text, toggle, type ValueKind } from './values.ts';

/** One flag. Its name, its variable, its place in the help and in the docs all follow from this. */
export interface Flag<T = unknown> {
  readonly kind: ValueKind<T>;
  /** What counts when neither flag nor variable is given, as it would be written on the command line. */
  readonly fallback?: string;
  /** Where the default is no fixed value: what help says of it. */
  readonly fallbackNote?: string;
  /** Set for what makes sense on a command line only. */
  readonly withoutVariable?: true;
  /** Set when each further one adds a value. Its variable has several with the system's path delimiter between. */
  readonly repeatable?: true;
  /** A letter that stands for the name. */
  readonly letter?: string;
  readonly about: string;
}

/** A flag that takes no value and has no variable. */
export interface Switch {
  readonly about: string;
}

const seconds = duration({ min: 1 });

/**
 * Every flag with a value, in the order of the help. The key gives the name (`httpPort` is `-http-port`)
 * and the variable (`PULP_HTTP_PORT`); the flag wins over the variable.
 */
export const FLAGS = {
  manifest: flag(text('PATH'), {
    repeatable: true,
    about: 'pulp.plugin.toml of a plugin to run, or its folder; repeat it for several plugins',
  }),
  ext: flag(text('MODULE'), {
    repeatable: true,
    about: 'extension to load: path of a module, or package; repeat it for several',
  }),
  httpPort: flag(count('PORT', { min: 0, max: 65_535 }), {
    fallback: '8080',
    about: 'port for HTTP, WebSocket and SSE; 0 takes any free one',
  }),
  httpHost: flag(text('ADDRESS'), {
    fallbackNote: 'every interface',
    about: 'address to listen on, such as 127.0.0.1',
  }),
  httpCert: flag(text('FILE'), { about: 'certificate (PEM, with its chain): serve HTTPS and HTTP/2' }),
  httpKey: flag(text('FILE'), { about: 'private key (PEM) of that certificate' }),
  healthPort: flag(count('PORT', { min: 0, max: 65_535 }), {
    fallbackNote: 'none',
    about: 'port for /livez and /readyz, on the address of -http-host; 0 takes any free one',
  }),
  storageRoot: flag(text('FOLDER'), {
    fallback: './data',
    about: 'where plugins keep their files and databases, a folder for each',
  }),
  control: flag(toggle(), {
    fallback: 'true',
    about: 'listen for `pulp ps` and its like on a socket in the storage root',
  }),
  watch: flag(toggle(), {
    fallback: 'false',
    about: 'reload a plugin when its manifest or module changes',
  }),
  maxMemory: flag(size({ min: 2 ** 20, max: 2 ** 46 }), {
    fallbackNote: 'three quarters of what there is',
    about: 'linear memory that all plugins may have together',
  }),
  pluginThreads: flag(count('COUNT', { min: 1, max: 256 }), {
    fallback: '16',
    about: 'threads that plugins share; one with dedicated_thread has its own',
  }),
  allowPrivateNetwork: flag(toggle(), {
    fallback: 'false',
    about: 'let plugins fetch from loopback and private addresses: for development',
  }),
  drainTimeout: flag(duration({ min: 0 }), {
    fallback: '8s',
    about: 'how long steps that run at shutdown may still take',
  }),
  shutdownDelay: flag(duration({ min: 0 }), {
    fallback: '0s',
    about: 'how long to serve on after a signal, with /readyz at 503, before draining',
  }),
  requestTimeout: flag(seconds, {
    fallback: '30s',
    about: 'how long a client waits for a plugin before it gets 504',
  }),
  startTimeout: flag(seconds, { fallback: '30s', about: 'how long a plugin may take to start' }),
  maxBodyBytes: flag(size({ min: 1, max: 2 ** 30 }), {
    fallback: '10MiB',
    about: 'largest request body; a larger one gets 413',
  }),
  maxConnections: flag(count('COUNT', { min: 1, max: 1_000_000 }), {
    fallback: '10000',
    about: 'connections at a time; further ones are closed at once',
  }),
  headerTimeout: flag(seconds, { fallback: '10s', about: 'how long a client may take to send its headers' }),
  bodyTimeout: flag(seconds, {
    fallback: '30s',
    about: 'how long a client may take to send a whole request',
  }),
  writeTimeout: flag(seconds, {
    fallback: '30s',
    about: 'how long a client may take nothing of its answer',
  }),
  logFormat: flag(choice(LOG_FORMATS), {
    fallbackNote: 'pretty on a terminal, otherwise text',
    about: 'how log lines look; text is logfmt',
  }),
  logLevel: flag(choice(LEVELS), { fallback: 'info', about: 'least urgent level to log' }),
} as const;

/** The flags of `pulp backup`. */
export const BACKUP_FLAGS = {
  storageRoot: FLAGS.storageRoot,
  to: flag(text('FOLDER'), {
    withoutVariable: true,
    about: 'where the copy goes: a folder that is empty or not there yet',
  }),
} as const;

/** The flags of `pulp restore`. */
export const RESTORE_FLAGS = {
  storageRoot: FLAGS.storageRoot,
  from: flag(text('FOLDER'), { withoutVariable: true, about: 'a folder that `pulp backup` made' }),
  force: flag(toggle(), {
    fallback: 'false',
    withoutVariable: true,
    about: 'replace what the plugins of the copy have in the storage root',
  }),
} as const;

/** The flags without a value. */
export const SWITCHES = {
  help: { about: 'show this text' },
  version: { about: 'show the versions of Pulp and Node' },
} as const satisfies Record<string, Switch>;

export type FlagKey = keyof typeof FLAGS;
export type SwitchKey = keyof typeof SWITCHES;

type ValueOf<F> = F extends { readonly kind: ValueKind<infer T>; readonly repeatable: true }
  ? readonly T[] | undefined
  : F extends { readonly kind: ValueKind<infer T>; readonly fallback: string }
    ? T
    : F extends { readonly kind: ValueKind<infer T> }
      ? T | undefined
      : never;

/** The flags of a command, by their keys. */
export type FlagTable = Readonly<Record<string, Flag>>;

/** What flags came to: times in milliseconds, sizes in bytes. */
export type ValuesOf<T> = { readonly [K in keyof T]: ValueOf<T[K]> };

export type FlagValues = ValuesOf<typeof FLAGS>;

/** The keys of a table such as `FLAGS`, with their type. */
export function keysOf<K extends string>(table: Readonly<Record<K, unknown>>): K[] {
  // Object.keys forgets the type of literal keys
  return Object.keys(table) as K[];
}

/** `httpPort` as it is written on the command line: `http-port`. */
export function flagName(key: string): string {
  return key.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}

/** A flag as help and docs show it: its name and what stands for its value, if it takes one. */
export function flagShape(key: string, { kind, letter }: Flag): string {
  return `${letter === undefined ? '' : `-${letter}, `}-${flagName(key)} ${kind.placeholder}`.trimEnd();
}

/** `httpPort` as an environment variable: `PULP_HTTP_PORT`. */
export function variableName(key: string): string {
  return `PULP_${flagName(key).replaceAll('-', '_').toUpperCase()}`;
}

/** A flag, with the type of what it comes to. */
export function flag<T, const R extends Omit<Flag, 'kind'>>(
  kind: ValueKind<T>,
  rest: R,
): { readonly kind: ValueKind<T> } & R {
  return { kind, ...rest };
}
