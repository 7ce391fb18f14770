import assert from 'node:assert/strict';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readFileSync, writeSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { suite, test, type TestContext } from 'node:test';
import { Output } from './output.ts';

const LOGGER = new URL('./logger.ts', import.meta.url).href;

/**
 * Runs a program that has `log` and says things on stderr. Its stdout is a pipe of the kernel (through a
 * shell), as under a container engine, or the socket that Node makes.
 */
function run(t: TestContext, kind: 'pipe' | 'socket', program: string): ChildProcess {
  const source = `const { createLogger } = await import(${JSON.stringify(LOGGER)});
    const log = createLogger({ format: 'text' });
    ${program}`;
  const node = [process.execPath, '--input-type=module', '-e', source];
  const child =
    kind === 'socket'
      ? spawn(node[0] ?? '', node.slice(1), { stdio: ['pipe', 'pipe', 'pipe'] })
      : // The second process is the reader: it begins when its stdin says so.
        spawn('/bin/sh', ['-c', 'exec 3<&0; "$@" </dev/null | (read -r go <&3; cat)', 'sh', ...node], {
          stdio: ['pipe', 'pipe', 'pipe'],
        });
  t.after(() => child.kill('SIGKILL'));
  return child;
}

async function text(stream: NodeJS.ReadableStream | null): Promise<string> {
  let all = '';
  for await (const chunk of stream ?? []) all += String(chunk);
  return all;
}

const FLOOD = `
  let worst = 0, last = performance.now();
  const timer = setInterval(() => { const now = performance.now(); worst = Math.max(worst, now - last); last = now; }, 5);
  const wide = 'x'.repeat(1000);
  for (let i = 0; i < 100; i++) {
    for (let j = 0; j < 100; j++) log.info('line', { n: i * 100 + j, wide });
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  clearInterval(timer);
  process.stderr.write('written\\n');
`;

function count(log: string): { whole: number; dropped: number; broken: number } {
  let whole = 0;
  let dropped = 0;
  let broken = 0;
  for (const line of log.trimEnd().split('\n')) {
    const lost = / level=WARN msg="log lines dropped" count=(\d+)$/.exec(line);
    if (lost) dropped += Number(lost[1]);
    else if (/^time=\S+ level=INFO msg=line n=\d+ wide=x{1000}$/.test(line)) whole++;
    else broken++;
  }
  return { whole, dropped, broken };
}

suite('standard output', { skip: process.platform === 'win32' && 'uses /bin/sh' }, () => {
  for (const kind of ['pipe', 'socket'] as const) {
    test(`a ${kind} whose reader is slow costs lines, all counted, and no line is cut`, async (t) => {
      const child = run(t, kind, `${FLOOD} process.exitCode = (await log.flush(60_000)) ? 0 : 1;`);
      const errors = text(child.stderr);
      // Nothing is read until the program has got rid of everything it had to say: it was not held up.
      assert.ok(child.stderr !== null && child.stdin !== null);
      await once(child.stderr, 'data');
      child.stdin.end('go\n');
      const log = await text(child.stdout);
      await errors;
      const { whole, dropped, broken } = count(log);
      assert.equal(broken, 0, log.slice(0, 2_000));
      assert.equal(whole + dropped, 10_000);
      assert.ok(dropped > 0, 'everything fitted: the test floods too little');
    });

    test(`a process whose ${kind} is never read still ends`, async (t) => {
      const child = run(
        t,
        kind,
        `${FLOOD} const flushed = await log.flush(100);
         process.stderr.write('flushed ' + flushed + '\\n');
         process.on('exit', () => { log.flushSync(50); process.stderr.write('end\\n'); });
         process.exit(0);`,
      );
      const errors: string[] = [];
      child.stderr?.on('data', (chunk) => errors.push(String(chunk)));
      const ended = (): boolean => errors.join('').endsWith('end\n');
      while (!ended()) await delay(20);
      assert.equal(errors.join(''), 'written\nflushed false\nend\n');
      if (kind === 'socket') {
        if (child.exitCode === null) await once(child, 'exit');
        assert.equal(child.exitCode, 0);
      } else {
        // The shell waits for the reader, too; that reader ends once the writer has ended.
        child.stdin?.end('go\n');
        await text(child.stdout);
      }
    });
  }

  test('a reader that goes away is told of once, and the process goes on', async (t) => {
    const child = run(
      t,
      'socket',
      `for (let i = 0; i < 20; i++) { log.info('line'); await new Promise((r) => setTimeout(r, 5)); }
       process.stderr.write('still here\\n');`,
    );
    child.stdout?.destroy();
    assert.match(await text(child.stderr), /^pulp: cannot write the log to stdout: .*EPIPE.*\nstill here\n$/);
  });
});

suite('a file', () => {
  test('has every line, in order, after a flush', async (t) => {
    const folder = await mkdtemp(join(tmpdir(), 'pulp-log-'));
    t.after(() => rm(folder, { recursive: true }));
    const path = join(folder, 'log');
    const fd = openSync(path, 'a');
    t.after(() => {
      closeSync(fd);
    });
    writeSync(fd, 'before\n');
    const output = new Output({ fd });
    assert.equal(output.isTerminal, false);
    for (let i = 0; i < 1_000; i++) output.write(`line ${i}\n`);
    assert.equal(await output.flush(60_000), true);
    const expected = Array.from({ length: 1_000 }, (_, i) => `line ${i}\n`).join('');
    assert.equal(readFileSync(path, 'utf8'), `before\n${expected}`);
  });
});
