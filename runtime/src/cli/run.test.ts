import assert from 'node:assert/strict';
import { EventEmitter } from 'node:events';
import { suite, test } from 'node:test';
import type { HostOptions } from '../host/host.ts';
import { createLogger, type LoggerOptions } from '../log/logger.ts';
import { main } from './main.ts';
import type { RunningHost } from './run.ts';

interface Outcome {
  readonly code: number;
  readonly log: readonly string[];
  readonly errors: string;
  readonly exits: readonly number[];
  /** Codes of ends that wait for no thread. */
  readonly left: readonly number[];
}

interface Scene {
  readonly process: EventEmitter;
  /** Ends the host by itself. */
  readonly end: (code: number) => void;
  readonly exits: number[];
}

interface Play {
  readonly argv?: readonly string[];
  readonly start?: (options: HostOptions, scene: Scene) => Promise<void>;
  readonly started?: (scene: Scene) => void;
  readonly stop?: (scene: Scene) => Promise<{ clean: boolean }>;
  readonly uninterruptible?: boolean;
}

/** Runs the command over a host that does as the play says. Log lines are without their time. */
async function play({
  argv = ['-manifest', 'a.toml'],
  start,
  started,
  stop,
  uninterruptible = false,
}: Play): Promise<Outcome> {
  const left: number[] = [];
  const lines: string[] = [];
  let errors = '';
  const finished = Promise.withResolvers<{ code: number }>();
  const scene: Scene = { process: new EventEmitter(), end: (code) => finished.resolve({ code }), exits: [] };
  const host: RunningHost = {
    url: undefined,
    finished: finished.promise,
    stop: () => stop?.(scene) ?? Promise.resolve({ clean: true }),
    uninterruptible,
  };
  const destination: LoggerOptions['destination'] = {
    isTerminal: false,
    write: (line) => lines.push(line.replace(/^time=\S+ level=/, '').trimEnd()),
    flush: () => Promise.resolve(true),
    flushSync: () => {},
  };
  const code = await main(
    argv,
    {},
    {
      complain: (text) => {
        errors += text;
        return Promise.resolve();
      },
      source: scene.process,
      exit: (status) => scene.exits.push(status),
      leave: (status) => left.push(status),
      log: createLogger({ destination, level: 'debug', format: 'text' }),
      start: async (options) => {
        await start?.(options, scene);
        return host;
      },
      started: () => started?.(scene),
    },
  );
  assert.deepEqual(scene.process.eventNames(), [], 'something still listens');
  return { code, log: lines, errors, exits: scene.exits, left };
}

suite('run', () => {
  test('waits at its end for no plugin that cannot be interrupted', async () => {
    const stuck = await play({
      uninterruptible: true,
      started: ({ process }) => process.emit('SIGTERM', 'SIGTERM'),
      stop: () => Promise.resolve({ clean: false }),
    });
    assert.deepEqual([stuck.code, stuck.left], [1, [1]]);
    const failed = await play({
      start: () => Promise.reject(Object.assign(new Error('too long'), { uninterruptible: true })),
    });
    assert.deepEqual([failed.code, failed.left, failed.errors], [1, [1], 'pulp: too long\n']);
    const free = await play({ started: ({ process }) => process.emit('SIGTERM', 'SIGTERM') });
    assert.deepEqual([free.code, free.left], [0, []]);
  });

  test('a signal drains the host; the last line before exit 0 says so', async () => {
    let stops = 0;
    const { code, log } = await play({
      started: ({ process }) => process.emit('SIGTERM', 'SIGTERM'),
      stop: () => {
        stops += 1;
        return Promise.resolve({ clean: true });
      },
    });
    assert.equal(code, 0);
    assert.equal(stops, 1);
    assert.deepEqual(log, ['INFO msg="signal received" signal=SIGTERM', 'INFO msg="pulp exit clean"']);
  });

  test('exit code 1, and no clean exit in the log, when something was cut off', async () => {
    const { code, log } = await play({
      started: ({ process }) => process.emit('SIGINT', 'SIGINT'),
      stop: () => Promise.resolve({ clean: false }),
    });
    assert.equal(code, 1);
    assert.deepEqual(log, ['INFO msg="signal received" signal=SIGINT']);
  });

  test('a second signal ends the process at once', async () => {
    const { exits } = await play({
      started: ({ process }) => process.emit('SIGTERM', 'SIGTERM'),
      stop: async ({ process, exits: seen }) => {
        // Until the second one no longer counts as a copy of the first.
        while (seen.length === 0) {
          process.emit('SIGINT', 'SIGINT');
          await new Promise((resolve) => setTimeout(resolve, 10));
        }
        return { clean: true };
      },
    });
    assert.equal(exits[0], 130);
  });

  test('a host that ends by itself gives the exit code', async () => {
    const failed = await play({ started: ({ end }) => end(1) });
    assert.equal(failed.code, 1);
    assert.deepEqual(failed.log, []);
    const done = await play({ started: ({ end }) => end(0) });
    assert.equal(done.code, 0);
    assert.deepEqual(done.log, ['INFO msg="pulp exit clean"']);
  });

  test('an error at start is one line on stderr and exit 1; its stack is for debugging', async () => {
    const { code, errors, log } = await play({
      start: () => Promise.reject(new Error('echo: no such file')),
    });
    assert.equal(code, 1);
    assert.equal(errors, 'pulp: echo: no such file\n');
    assert.match(log.join('\n'), /^DEBUG msg="start failed" stack="Error: echo: no such file\\n +at /);
  });

  test('a signal while the host starts waits for it and stops it', async () => {
    const { code, log } = await play({
      start: async (_, { process }) => {
        process.emit('SIGINT', 'SIGINT');
        await new Promise((resolve) => setTimeout(resolve, 20));
      },
    });
    assert.equal(code, 0);
    assert.deepEqual(log, ['INFO msg="signal received" signal=SIGINT', 'INFO msg="pulp exit clean"']);
  });

  test('a signal while a start hangs ends with exit 1 after the drain time', async () => {
    const { code, log } = await play({
      argv: ['-manifest', 'a.toml', '--drain-timeout', '10ms'],
      start: (_, { process }) => {
        process.emit('SIGINT', 'SIGINT');
        return new Promise(() => {});
      },
    });
    assert.equal(code, 1);
    assert.match(log.at(-1) ?? '', /^ERROR msg="ended before the start was over"/);
  });

  test('an error that nobody caught is logged with its stack, the host is drained, exit 70', async () => {
    let stopped = false;
    const { code, log } = await play({
      started: ({ process }) => process.emit('uncaughtException', new Error('oh')),
      stop: () => {
        stopped = true;
        return Promise.resolve({ clean: true });
      },
    });
    assert.equal(code, 70);
    assert.ok(stopped);
    assert.equal(log.length, 1);
    assert.match(log[0] ?? '', /^ERROR msg="internal error" error=oh stack="Error: oh\\n +at /);
  });

  test('a stop that fails is exit 1 and is logged', async () => {
    const { code, log } = await play({
      started: ({ process }) => process.emit('SIGINT', 'SIGINT'),
      stop: () => Promise.reject(new Error('stuck')),
    });
    assert.equal(code, 1);
    assert.match(log.at(-1) ?? '', /^ERROR msg="stop failed" stack="Error: stuck/);
  });

  test('the host gets what the flags say', async () => {
    let given: HostOptions | undefined;
    await play({
      argv: [
        'run',
        'a.toml',
        '-http-port=0',
        '-http-host=127.0.0.1',
        '--max-body-bytes=1KiB',
        '--drain-timeout=1s',
      ],
      start: (options) => {
        given = options;
        return Promise.resolve();
      },
      started: ({ end }) => end(0),
    });
    assert.equal(given?.manifest, 'a.toml');
    assert.equal(given.httpPort, 0);
    assert.equal(given.httpHost, '127.0.0.1');
    assert.equal(given.maxBodyBytes, 1_024);
    assert.equal(given.drainTimeoutMs, 1_000);
    assert.equal(given.storageRoot, './data');
  });

  test('certificate and key go to the host together, and one alone is refused', async () => {
    let given: HostOptions | undefined;
    await play({
      argv: ['run', 'a.toml', '-http-cert', 'c.pem', '-http-key', 'k.pem'],
      start: (options) => {
        given = options;
        return Promise.resolve();
      },
      started: ({ end }) => end(0),
    });
    assert.deepEqual([given?.httpCert, given?.httpKey], ['c.pem', 'k.pem']);
    for (const [argv, message] of [
      [['-http-cert', 'c.pem'], /-http-cert is given without -http-key/],
      [['-http-key', 'k.pem'], /-http-key is given without -http-cert/],
    ] as const) {
      const { code, errors } = await play({ argv: ['run', 'a.toml', ...argv] });
      assert.equal(code, 1);
      assert.match(errors, message);
      assert.equal(errors.trimEnd().split('\n').length, 1);
    }
  });
});
