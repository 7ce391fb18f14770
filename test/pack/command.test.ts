import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { suite, test, type TestContext } from 'node:test';
import { wat } from '../support/wat.ts';
import { folderOfOlderNode } from './older-node.ts';

const pulp = join(import.meta.dirname, '..', '..', 'runtime', 'bin', 'pulp.js');

interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** A `pulp` that runs. */
class Running {
  /** What it wrote so far. */
  stdout = '';
  stderr = '';
  readonly exit: Promise<Exit>;
  readonly #kill: (signal: NodeJS.Signals) => void;
  #ended = false;

  constructor(t: TestContext, nodeFolder: string, args: readonly string[]) {
    const child = spawn('node', [pulp, ...args], {
      env: {
        ...process.env,
        PATH: [nodeFolder, process.env['PATH']].join(delimiter),
        // A process that a signal ends leaves half a file.
        NODE_V8_COVERAGE: undefined,
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    child.stdout.on('data', (chunk) => (this.stdout += String(chunk)));
    child.stderr.on('data', (chunk) => (this.stderr += String(chunk)));
    this.#kill = (signal) => child.kill(signal);
    // Not SIGKILL: on an older Node the child has a child of its own, which would stay.
    t.after(async () => {
      for (; !this.#ended; await delay(150)) child.kill('SIGTERM');
    });
    this.exit = once(child, 'close').then(([code, signal]: unknown[]) => {
      this.#ended = true;
      return {
        code: typeof code === 'number' ? code : null,
        signal: signal === 'SIGINT' || signal === 'SIGTERM' ? signal : null,
      };
    });
  }

  send(signal: NodeJS.Signals): void {
    this.#kill(signal);
  }

  async logged(text: string): Promise<void> {
    while (!this.stdout.includes(text)) {
      assert.ok(!this.#ended, `ended without ${JSON.stringify(text)}\n${this.stdout}${this.stderr}`);
      await delay(10);
    }
  }
}

/** A folder with a plugin whose `pulp_init` does what `init` says, removed after the test. */
async function plugin(t: TestContext, init: string, capabilities = ''): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'pulp-command-'));
  t.after(() => rm(folder, { recursive: true }));
  await writeFile(
    join(folder, 'plugin.wasm'),
    await wat(`(module
      (memory (export "memory") 1)
      (func (export "pulp_alloc") (param i32) (result i32) (i32.const 1024))
      (func (export "pulp_init") (param i32 i32) (result i32) ${init})
      (func (export "pulp_step") (param i32 i32) (result i32) (i32.const 0))
      (func (export "pulp_shutdown") (result i32) (i32.const 0)))`),
  );
  const manifest = `name = "guest"\nversion = "1.0.0"\ncapabilities = [${capabilities}]\n`;
  await writeFile(join(folder, 'pulp.plugin.toml'), manifest);
  return folder;
}

const idle = '(i32.const 0)';
const endless = '(loop $again (br $again)) (i32.const 0)';
const http = '"transport.http.inbound"';

const older = folderOfOlderNode();
const nodes = [
  { name: 'this Node', folder: dirname(process.execPath), skip: false },
  { name: 'an older Node', folder: older ?? '', skip: older === undefined && 'no Node below 26 on the PATH' },
] as const;

for (const { name, folder, skip } of nodes) {
  suite(`pulp run on ${name}`, { skip }, () => {
    for (const signal of ['SIGTERM', 'SIGINT'] as const) {
      test(`ends in order on ${signal}`, async (t) => {
        const running = new Running(t, folder, ['run', await plugin(t, idle)]);
        await running.logged('msg="init complete"');
        running.send(signal);
        assert.deepEqual(await running.exit, { code: 0, signal: null }, running.stdout);
        assert.match(
          running.stdout,
          new RegExp(`msg="signal received" signal=${signal}\n(?:.*\n)*.*msg="pulp exit clean"\n$`),
        );
        assert.match(running.stdout, /msg="shutdown complete" plugin=guest/);
        assert.equal(running.stderr, '');
      });
    }

    for (const [signal, code] of [
      ['SIGINT', 130],
      ['SIGTERM', 143],
    ] as const) {
      test(`ends at once with ${code} on a second signal, ${signal}`, async (t) => {
        const guest = await plugin(t, endless);
        const running = new Running(t, folder, [
          'run',
          guest,
          '-drain-timeout',
          '1h',
          '-start-timeout',
          '1h',
        ]);
        await running.logged('msg="pulp boot"');
        running.send('SIGTERM');
        await running.logged('msg="signal received"');
        // Signals that come together count as one.
        const again = setInterval(() => running.send(signal), 200);
        t.after(() => clearInterval(again));
        assert.deepEqual(await running.exit, { code, signal: null }, running.stdout);
        assert.match(running.stdout, /msg="second signal: ending at once"/);
      });
    }
  });
}

suite('pulp run', () => {
  const folder = dirname(process.execPath);

  test('names a port that is in use, in one line', async (t) => {
    const server = createServer().listen(0, '127.0.0.1');
    t.after(() => server.close());
    await once(server, 'listening');
    const address = server.address();
    assert.ok(typeof address === 'object' && address !== null);
    const args = ['-http-host', '127.0.0.1', '-http-port', `${address.port}`];
    const running = new Running(t, folder, ['run', await plugin(t, idle, http), ...args]);
    assert.deepEqual(await running.exit, { code: 1, signal: null });
    assert.match(
      running.stderr,
      new RegExp(
        `^pulp: cannot listen on 127\\.0\\.0\\.1, port ${address.port}: another program uses it; .+\n$`,
      ),
    );
  });

  test('says that a plugin does not start, and which, in one line', async (t) => {
    for (const init of ['(i32.const 7)', 'unreachable']) {
      const running = new Running(t, folder, ['run', await plugin(t, init)]);
      assert.deepEqual(await running.exit, { code: 1, signal: null });
      assert.match(running.stderr, /^pulp: .*guest.*\n$/);
      assert.doesNotMatch(running.stdout, /exit clean/);
    }
  });

  test('shows every problem of a manifest', async (t) => {
    const guest = await plugin(t, idle);
    const manifest = join(guest, 'pulp.plugin.toml');
    await writeFile(manifest, 'nam = "guest"\n');
    const running = new Running(t, folder, ['-manifest', manifest]);
    assert.deepEqual(await running.exit, { code: 1, signal: null });
    assert.ok(running.stderr.startsWith(manifest), running.stderr);
    for (const part of ['nam', 'version']) assert.ok(running.stderr.includes(part), running.stderr);
    assert.doesNotMatch(running.stderr, /\n {4}at /);
  });
});
