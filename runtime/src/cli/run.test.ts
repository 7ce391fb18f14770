import assert from 'node:assert/strict';
import { EventEmitter } from 'node:events';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import type { HostOptions } from '../host/host.ts';
import { createLogger, type LoggerOptions } from '../log/logger.ts';
import { FakeHost } from '../../../test/support/fake-host.ts';
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
  readonly host: FakeHost;
  /** Ends the host by itself. */
  readonly end: (code: number) => void;
  readonly exits: number[];
  /** What was logged so far. */
  readonly lines: readonly string[];
}

interface Play {
  readonly argv?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly start?: (options: HostOptions, scene: Scene) => Promise<void>;
  readonly started?: (scene: Scene) => void;
  readonly stop?: (scene: Scene) => Promise<{ clean: boolean }>;
  readonly uninterruptible?: boolean;
}

/** Runs the command over a host that does as the play says. Log lines are without their time. */
async function play({
  argv = ['-manifest', 'a.toml'],
  // What is in the storage root is for other tests.
  env = { PULP_CONTROL: 'false' },
  start,
  started,
  stop,
  uninterruptible = false,
}: Play): Promise<Outcome> {
  const left: number[] = [];
  const lines: string[] = [];
  let errors = '';
  const finished = Promise.withResolvers<{ code: number }>();
  const fake = new FakeHost();
  const scene: Scene = {
    process: new EventEmitter(),
    host: fake,
    end: (code) => finished.resolve({ code }),
    exits: [],
    lines,
  };
  const host: RunningHost = Object.assign(fake, {
    url: undefined,
    finished: finished.promise,
    endKeepAlive: () => fake.asked.push('end keep-alive'),
    stop: () => stop?.(scene) ?? Promise.resolve({ clean: true }),
    uninterruptible,
  });
  const destination: LoggerOptions['destination'] = {
    isTerminal: false,
    write: (line) => lines.push(line.replace(/^time=\S+ level=/, '').trimEnd()),
    flush: () => Promise.resolve(true),
    flushSync: () => {},
  };
  const code = await main(argv, env, {
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
  });
  assert.deepEqual(scene.process.eventNames(), [], 'something still listens');
  return { code, log: lines, errors, exits: scene.exits, left };
}

const windows = process.platform === 'win32' && "SIGHUP is the system's";

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

  test('with -shutdown-delay the host goes on for a while, and an error or its own end cuts that short', async () => {
    const argv = ['-manifest', 'a.toml', '-shutdown-delay', '50ms'];
    let stoppedAt = 0;
    let signalledAt = 0;
    const { code, log } = await play({
      argv,
      started: ({ process }) => {
        signalledAt = performance.now();
        process.emit('SIGTERM', 'SIGTERM');
      },
      stop: () => {
        stoppedAt = performance.now();
        return Promise.resolve({ clean: true });
      },
    });
    assert.equal(code, 0);
    assert.ok(stoppedAt - signalledAt >= 45, `${stoppedAt - signalledAt} ms`);
    assert.deepEqual(log, [
      'INFO msg="signal received" signal=SIGTERM',
      'INFO msg="shutdown delayed" delay_ms=50',
      'INFO msg="pulp exit clean"',
    ]);
    const long = ['-manifest', 'a.toml', '-shutdown-delay', '1h'];
    const ended = await play({
      argv: long,
      started: ({ process, end }) => {
        process.emit('SIGTERM', 'SIGTERM');
        setImmediate(() => end(1));
      },
      stop: () => Promise.reject(new Error('it has ended by itself')),
    });
    assert.equal(ended.code, 1);
    const early = await play({
      argv: long,
      start: async (_, { process }) => {
        process.emit('SIGTERM', 'SIGTERM');
        await new Promise((resolve) => setTimeout(resolve, 20));
      },
    });
    assert.deepEqual([early.code, early.log.filter((line) => line.includes('delayed'))], [0, []]);
    const broken = await play({
      argv: long,
      started: ({ process }) => {
        process.emit('SIGTERM', 'SIGTERM');
        setImmediate(() => process.emit('uncaughtException', new Error('ours'), 'uncaughtException'));
      },
    });
    assert.equal(broken.code, 70);
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
    assert.deepEqual(given?.manifest, ['a.toml']);
    assert.equal(given.httpPort, 0);
    assert.equal(given.httpHost, '127.0.0.1');
    assert.equal(given.maxBodyBytes, 1_024);
    assert.equal(given.drainTimeoutMs, 1_000);
    assert.equal(given.storageRoot, './data');
  });

  test(
    'SIGHUP reloads every plugin, also when it comes while the host starts',
    { skip: windows },
    async () => {
      const early = await play({
        start: (_, { process }) => Promise.resolve(void process.emit('SIGHUP', 'SIGHUP')),
        started: ({ process }) => setImmediate(() => process.emit('SIGTERM', 'SIGTERM')),
        stop: ({ host }) => {
          assert.deepEqual(host.asked, ['reload echo', 'reload chat']);
          return Promise.resolve({ clean: true });
        },
      });
      assert.equal(early.code, 0);
      assert.equal(early.log[0], 'INFO msg="reload asked for" signal=SIGHUP');
      const late = await play({
        started: ({ process, host, end }) => {
          host.acts = (asked) => {
            if (asked === 'reload chat') setImmediate(() => end(0));
            return Promise.reject(new Error('no such file'));
          };
          setImmediate(() => process.emit('SIGHUP', 'SIGHUP'));
        },
      });
      assert.equal(late.log[1], 'WARN msg="plugin reload failed" plugin=echo reason="no such file"');
    },
  );

  test('health is there before the host, and says that it stops before it does', async () => {
    let address = '';
    const ready = async (): Promise<string> => (await fetch(`http://${address}/readyz`)).text();
    const { code, log } = await play({
      argv: ['run', 'a.toml', '-health-port', '0', '-http-host', '127.0.0.1'],
      start: async (_, { lines }) => {
        address = /addr=(\S+)/.exec(lines[0] ?? '')?.[1] ?? '';
        assert.equal(await ready(), 'the host is starting\n');
      },
      started: ({ process }) => {
        const asked = new Promise((resolve) => setImmediate(resolve)).then(ready);
        void asked.then((answer) => {
          assert.equal(answer, 'ok\n');
          process.emit('SIGTERM', 'SIGTERM');
        });
      },
      stop: async () => {
        assert.equal(await ready(), 'the host is stopping\n');
        return { clean: true };
      },
    });
    assert.equal(code, 0);
    assert.match(log[0] ?? '', /^INFO msg="health server started" addr=127\.0\.0\.1:\d+$/);
    await assert.rejects(ready());
  });

  test('a port for health that cannot be had keeps the host from starting', async () => {
    const { code, errors } = await play({
      argv: ['run', 'a.toml', '-health-port', '1', '-http-host', '192.0.2.1'],
      start: () => assert.fail('it starts'),
    });
    assert.equal(code, 1);
    assert.equal(
      errors,
      'pulp: cannot listen on 192.0.2.1, port 1: that is no address of this machine; choose another with -http-host\n',
    );
  });

  test('a control socket that cannot be made is a line in the log', async () => {
    const storageRoot = join(import.meta.filename, 'data');
    const { code, log } = await play({
      argv: ['run', 'a.toml', '-storage-root', storageRoot],
      env: {},
      started: ({ end }) => end(0),
    });
    assert.equal(code, 0);
    assert.match(log[0] ?? '', /^WARN msg="control socket not made" path=\S+pulp.sock reason="ENOTDIR: .*"$/);
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
