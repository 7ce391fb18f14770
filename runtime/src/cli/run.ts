import { inspect } from 'node:util';
import { LogHistory } from '../control/log-history.ts';
import type { Capability } from '../ext.ts';
import type { Host, HostOptions } from '../host/host.ts';
import type { HostControl } from '../host/status.ts';
import { createLogger, type Logger } from '../log/logger.ts';
import type { LogRecord } from '../log/record.ts';
import type { Environment } from './parse-flags.ts';
import { Crashes, type CrashSource } from './crashes.ts';
import type { RunValues } from './command-line.ts';
import { leave } from './leave.ts';
import { Operations } from './operations.ts';
import { Signals, signalExitCode, type SignalSource } from './signals.ts';
import { describeStartError } from './start-error.ts';

/** A host as `run` uses it. */
export type RunningHost = Pick<Host, 'url' | 'endKeepAlive' | 'stop' | 'finished' | 'uninterruptible'> &
  HostControl;

/** What `run` touches besides the host. Every default is the real thing; tests give their own. */
export interface RunOptions {
  readonly flags: RunValues;
  readonly env: Environment;
  /** Writes to standard error; settles when it is written. */
  readonly complain: (text: string) => Promise<void>;
  /** Capabilities that the program brings along, besides the built-in ones. */
  readonly extensions?: readonly Capability[];
  /** Default: `Host.start`, imported only here so that `pulp --help` need not wait for it. */
  readonly start?: (options: HostOptions) => Promise<RunningHost>;
  /** Told once the host runs and all it logged so far is written. */
  readonly started?: (host: RunningHost) => void;
  /** Default: one that writes to standard output and keeps its last lines for `pulp logs`. */
  readonly log?: Logger;
  readonly source?: SignalSource & CrashSource;
  /** Ends the process at once. Default `process.exit`. */
  readonly exit?: (code: number) => void;
  /** Ends the process when `exit` would wait for a plugin. Default {@link leave}. */
  readonly leave?: (code: number) => void;
}

/** An error in Pulp itself: the code that sysexits.h calls EX_SOFTWARE. */
const INTERNAL_ERROR = 70;

/** How long the last lines may take when a second signal wants the end at once. */
const LAST_WORDS_MS = 200;

type Ending =
  | { readonly by: 'signal' }
  | { readonly by: 'crash' }
  | { readonly by: 'itself'; readonly code: number };

/**
 * Runs a host until a signal, a crash or its own end. Settles with the exit code once everything that was
 * logged is written (contract section 9): 0 after an end in order, 1 when it could not start or something
 * was cut off, 70 after an error in Pulp itself. A second signal ends the process from within.
 */
export async function run(options: RunOptions): Promise<number> {
  const { flags, complain } = options;
  const refusal = refuseHalfHttps(flags);
  if (refusal !== undefined) {
    await complain(`pulp: ${refusal}\n`);
    return 1;
  }

  const history = new LogHistory();
  const log =
    options.log ??
    createLogger({
      format: flags.logFormat,
      level: flags.logLevel,
      env: options.env,
      ...(flags.control ? { tap: (record: LogRecord) => history.add(record) } : {}),
    });
  const flushAtExit = (): void => log.flushSync();
  process.once('exit', flushAtExit);
  const source = options.source ?? process;
  let host: RunningHost | undefined;
  let operations: Operations | undefined;
  const end = (exitCode: number): void => {
    if (host?.uninterruptible === true) (options.leave ?? leave)(exitCode);
    else (options.exit ?? exitProcess)(exitCode);
  };
  using signals = new Signals({
    source,
    again: (signal) => void endAtOnce(signal, log, (exitCode) => end(exitCode)),
    reload: (signal) => operations?.reload(signal),
  });
  using crashes = new Crashes(source, log);
  const ending = firstEnding(signals, crashes, log);

  let code = 1;
  let left = false;
  operations = await openOperations(options, log, history);
  if (operations !== undefined) {
    const started = await startHost(options, log, ending, () => (left = true));
    host = started?.host;
    if (started !== undefined) {
      await operations.attach(started.host);
      // A host that was never ready has nobody who would have to hear that it is no more.
      const shutdownDelay = started.inTime ? flags.shutdownDelay : 0;
      code = await untilEnd(started.host, { log, ending, operations, crashed: crashes.first, shutdownDelay });
    }
  }
  if (crashes.happened) code = INTERNAL_ERROR;
  if (code === 0) log.info('pulp exit clean');
  await operations?.[Symbol.asyncDispose]();
  await log.flush();
  process.off('exit', flushAtExit);
  if (left || host?.uninterruptible === true) (options.leave ?? leave)(code);
  return code;
}

/** Undefined: the port for health cannot be had, which has been said. */
async function openOperations(
  { flags, complain }: RunOptions,
  log: Logger,
  history: LogHistory,
): Promise<Operations | undefined> {
  try {
    return await Operations.open({ flags, log, history });
  } catch (error) {
    const { healthPort = 0, httpHost } = flags;
    await log.flush();
    await complain(
      `${describeStartError(error, { flag: '-health-port', port: healthPort, host: httpHost })}\n`,
    );
    return undefined;
  }
}

function firstEnding(signals: Signals, crashes: Crashes, log: Logger): Promise<Ending> {
  return Promise.race([
    signals.first.then((signal): Ending => {
      log.info('signal received', { signal });
      return { by: 'signal' };
    }),
    crashes.first.then((): Ending => ({ by: 'crash' })),
  ]);
}

/**
 * Starts the host, in time or when the end had come already. Undefined: it could not start, or took too long when the end
 * had come; whichever it was has been said.
 */
async function startHost(
  { flags, complain, started, ...options }: RunOptions,
  log: Logger,
  ending: Promise<Ending>,
  uninterruptible: () => void,
): Promise<{ readonly host: RunningHost; readonly inTime: boolean } | undefined> {
  try {
    const start = options.start ?? startRealHost;
    const starting = extensionsOf(flags, options).then((all) => start(hostOptions(flags, all, log)));
    const first = await Promise.race([starting, ending]);
    if (!('by' in first)) {
      if (started !== undefined) {
        await log.flush();
        started(first);
      }
      return { host: first, inTime: true };
    }
    // What is half started cannot be stopped in order, so the start may use the time that draining has.
    const host = await within(flags.drainTimeout, starting);
    if (host !== undefined) return { host, inTime: false };
    log.error('ended before the start was over', { manifest: flags.manifest });
    return undefined;
  } catch (error) {
    log.debug('start failed', { stack: inspect(error) });
    if ((error as { uninterruptible?: unknown }).uninterruptible === true) uninterruptible();
    await log.flush();
    const { httpPort, httpHost } = flags;
    await complain(`${describeStartError(error, { flag: '-http-port', port: httpPort, host: httpHost })}\n`);
    return undefined;
  }
}

/** The extensions that the program brought along, and those of the command line. */
async function extensionsOf(
  { ext = [], startTimeout }: RunValues,
  { extensions = [] }: Pick<RunOptions, 'extensions'>,
): Promise<readonly Capability[]> {
  if (ext.length === 0) return extensions;
  const { loadExtensions } = await import('./load-extensions.ts');
  return [...extensions, ...(await loadExtensions(ext, startTimeout))];
}

async function startRealHost(options: HostOptions): Promise<RunningHost> {
  const { beginThreads } = await import('../host/begin-threads.ts');
  const threads = beginThreads(options);
  const { Host } = await import('../host/host.ts');
  return Host.start(options, threads);
}

interface UntilEnd {
  readonly log: Logger;
  readonly ending: Promise<Ending>;
  readonly operations: Operations;
  /** Settles with the first error that nothing caught. */
  readonly crashed: Promise<unknown>;
  /** How long it serves on when a signal ends it, in milliseconds. */
  readonly shutdownDelay: number;
}

async function untilEnd(
  host: RunningHost,
  { log, ending, operations, crashed, shutdownDelay }: UntilEnd,
): Promise<number> {
  const itself = host.finished.then(({ code }): Ending => ({ by: 'itself', code }));
  let end = await Promise.race([ending, itself]);
  // Readiness is gone before the first connection is refused.
  operations.stopping();
  // Whoever sends requests here needs a while to hear that it is not ready any more.
  if (end.by === 'signal' && shutdownDelay > 0) {
    log.info('shutdown delayed', { delay_ms: shutdownDelay });
    host.endKeepAlive();
    end = (await within(shutdownDelay, Promise.race([itself, crashed.then(() => end)]))) ?? end;
  }
  if (end.by === 'itself') return end.code;
  try {
    const { clean } = await host.stop();
    return clean ? 0 : 1;
  } catch (error) {
    log.error('stop failed', { stack: inspect(error) });
    return 1;
  }
}

async function endAtOnce(signal: NodeJS.Signals, log: Logger, exit: (code: number) => void): Promise<void> {
  log.warn('second signal: ending at once', { signal });
  await log.flush(LAST_WORDS_MS);
  exit(signalExitCode(signal));
}

function exitProcess(code: number): void {
  process.exit(code);
}

function refuseHalfHttps({ httpCert, httpKey }: RunValues): string | undefined {
  if ((httpCert === undefined) === (httpKey === undefined)) return undefined;
  if (httpKey === undefined) return '-http-cert is given without -http-key: HTTPS needs both';
  return '-http-key is given without -http-cert: HTTPS needs both';
}

function hostOptions(flags: RunValues, extensions: readonly Capability[], log: Logger): HostOptions {
  const { httpHost, httpCert, httpKey, maxMemory } = flags;
  return {
    manifest: flags.manifest,
    extensions,
    httpPort: flags.httpPort,
    ...(httpHost === undefined ? {} : { httpHost }),
    ...(httpCert === undefined ? {} : { httpCert }),
    ...(httpKey === undefined ? {} : { httpKey }),
    storageRoot: flags.storageRoot,
    allowPrivateNetwork: flags.allowPrivateNetwork,
    requestTimeoutMs: flags.requestTimeout,
    drainTimeoutMs: flags.drainTimeout,
    startTimeoutMs: flags.startTimeout,
    headerTimeoutMs: flags.headerTimeout,
    bodyTimeoutMs: flags.bodyTimeout,
    writeTimeoutMs: flags.writeTimeout,
    maxBodyBytes: flags.maxBodyBytes,
    maxConnections: flags.maxConnections,
    ...(maxMemory === undefined ? {} : { maxMemoryBytes: maxMemory }),
    pluginThreads: flags.pluginThreads,
    log,
  };
}

/** What a promise settles with, or undefined when that takes longer. */
async function within<T>(ms: number, promise: Promise<T>): Promise<T | undefined> {
  const { promise: late, resolve } = Promise.withResolvers<undefined>();
  const timer = setTimeout(() => {
    resolve(undefined);
  }, ms);
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}
