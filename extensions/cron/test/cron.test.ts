import assert from 'node:assert/strict';
import { suite, test, type TestContext } from 'node:test';
import { Host } from '../../../runtime/src/index.ts';
import { decode, encode, type LogFields, type Value } from '../../../runtime/src/ext.ts';
import { pluginFolder } from '../../../test/support/plugin-folder.ts';
import { PulpProcess } from '../../../test/support/pulp-process.ts';
import { until } from '../../../test/support/until.ts';
import { type Action, busy, trap, watGuest, type WatGuest } from '../../../test/support/wat-guest.ts';
import { writeFile } from 'node:fs/promises';
import { capability } from '../src/index.ts';

const eachSecond = '[cron.schedules]\neach-second = "* * * * * *"';

function manifest(tables: string, rest = ''): string {
  return `capabilities = ["cron"]\ntick_interval_ms = 0\n${rest}\n${tables}`;
}

/** Prints each event in hexadecimal digits, and then does what is given. */
function printing(then: Action = () => ''): WatGuest {
  return {
    imports:
      '(import "wasi_snapshot_preview1" "fd_write" (func $fd_write (param i32 i32 i32 i32) (result i32)))',
    fields: `
      (func $digit (param $to i32) (param $value i32)
        (i32.store8 (local.get $to) (i32.add (local.get $value)
          (select (i32.const 87) (i32.const 48) (i32.gt_u (local.get $value) (i32.const 9))))))
      (func $print (param $pointer i32) (param $length i32) (local $at i32) (local $to i32)
        (local.set $at (i32.const 20))
        (local.set $to (i32.const 1024))
        (loop $next
          (call $digit (local.get $to)
            (i32.shr_u (i32.load8_u (i32.add (local.get $pointer) (local.get $at))) (i32.const 4)))
          (call $digit (i32.add (local.get $to) (i32.const 1))
            (i32.and (i32.load8_u (i32.add (local.get $pointer) (local.get $at))) (i32.const 15)))
          (local.set $to (i32.add (local.get $to) (i32.const 2)))
          (local.set $at (i32.add (local.get $at) (i32.const 1)))
          (br_if $next (i32.lt_u (local.get $at) (local.get $length))))
        (i32.store8 (local.get $to) (i32.const 10))
        (i32.store (i32.const 256) (i32.const 1024))
        (i32.store (i32.const 260) (i32.sub (local.get $to) (i32.const 1023)))
        (drop (call $fd_write (i32.const 1) (i32.const 256) (i32.const 1) (i32.const 276))))`,
    step: (data) =>
      `(if (i32.gt_u (local.get 1) (i32.const 20)) (then (call $print (local.get 0) (local.get 1)) ${then(data)}))`,
  };
}

/** An event as the guest printed it. */
interface Tick {
  readonly kind: string;
  readonly name: string;
  /** In nanoseconds. */
  readonly scheduledAt: bigint;
  readonly missed: bigint;
  readonly bytes: Buffer;
}

const second = 1_000_000_000n;

/** The event of a line that the guest printed; undefined for other lines. */
function tickOf(line: string | undefined): Tick | undefined {
  if (line === undefined || !/^82(?:[\da-f]{2})+$/.test(line)) return undefined;
  const bytes = Buffer.from(line, 'hex');
  const { kind, payload } = valuesOf(decode(bytes), ['kind', 'payload']);
  const { name, scheduled_at, missed } = valuesOf(payload, ['name', 'scheduled_at', 'missed']);
  assert.ok(typeof kind === 'string' && typeof name === 'string', line);
  assert.ok(typeof scheduled_at === 'bigint' && typeof missed === 'bigint', line);
  return { kind, name, scheduledAt: scheduled_at, missed, bytes };
}

/** The values of a map that has these keys and no others. */
function valuesOf<K extends string>(
  value: Value | undefined,
  keys: readonly K[],
): Record<K, Value | undefined> {
  assert.ok(value instanceof Map);
  assert.deepEqual([...value.keys()], keys);
  return Object.fromEntries(value) as Record<K, Value | undefined>;
}

/** Every run between two ticks that the plugin was given was counted, however busy it or the machine was. */
function assertNoneLost(ticks: readonly Tick[]): void {
  for (const [index, { scheduledAt, missed }] of ticks.entries()) {
    const before = ticks[index - 1]?.scheduledAt ?? scheduledAt - (missed + 1n) * second;
    assert.equal(scheduledAt - before, (missed + 1n) * second, `tick ${index} of ${ticks.length}`);
  }
}

async function start(t: TestContext, guest: WatGuest, toml: string) {
  const lines: { message: string; fields: LogFields }[] = [];
  const note = (message: string, fields: LogFields = {}): void => void lines.push({ message, fields });
  const file = await pluginFolder(t, { wasm: await watGuest(guest), manifest: toml });
  const host = await Host.start({
    manifest: file,
    extensions: [capability],
    drainTimeoutMs: 1000,
    log: { debug: () => undefined, info: note, warn: note, error: note },
  });
  t.after(() => host.stop());
  const ticks = (): readonly Tick[] => lines.flatMap(({ message }) => tickOf(message) ?? []);
  return { host, lines, ticks, file };
}

suite('a plugin with schedules', { concurrency: true }, () => {
  test('gets an event for each run, with its name and what was missed', async (t) => {
    const { ticks } = await start(t, printing(), manifest(eachSecond));
    await until(() => ticks().length >= 3, 'three seconds pass');
    for (const { kind, name, scheduledAt, missed, bytes } of ticks()) {
      assert.deepEqual([kind, name, scheduledAt % second], ['cron.tick', 'each-second', 0n]);
      const late = BigInt(Date.now()) * 1_000_000n - scheduledAt;
      assert.ok(late >= 0n && late < 3600n * second, `${late} ns late`);
      // Integers as the rest of what guests get: all of them 64 bits wide.
      const payload = encode({ name, scheduled_at: scheduledAt, missed }, { integers: 'int64' });
      assert.ok(bytes.subarray(-payload.length).equals(payload), bytes.toString('hex'));
    }
    assertNoneLost(ticks());
  });

  test('keeps its schedules when it breaks', async (t) => {
    const { ticks, lines } = await start(t, printing(trap()), manifest(eachSecond));
    await until(() => ticks().length >= 2, 'it breaks twice');
    assert.ok(lines.filter(({ message }) => message === 'plugin crashed').length >= 1);
    assertNoneLost(ticks());
  });

  test('gets other schedules by a reload', async (t) => {
    const { host, ticks, file } = await start(
      t,
      printing(),
      manifest('[cron.schedules]\nyearly = "@yearly"'),
    );
    await writeFile(file, `name = "guest"\nversion = "1.2.3"\n${manifest(eachSecond)}\n`);
    await host.reloadPlugin('guest');
    await until(() => ticks().length >= 1, 'the new schedule runs');
  });

  test('that is stopped gets nothing, and goes on when it is started again', async (t) => {
    const { host, ticks } = await start(t, printing(), manifest(eachSecond));
    await until(() => ticks().length >= 1, 'the first run');
    await host.stopPlugin('guest');
    const before = ticks().length;
    await new Promise((resolve) => setTimeout(resolve, 1500));
    assert.equal(ticks().length, before);
    await host.startPlugin('guest');
    await until(() => ticks().length > before, 'a run after the start');
  });

  test('is told how many runs it missed while it was busy', async (t) => {
    const { lines, ticks } = await start(t, printing(busy(3000)), manifest(eachSecond));
    await until(() => ticks().length >= 2, 'the step that was busy is over');
    assert.ok((ticks()[1]?.missed ?? 0n) >= 1n);
    assertNoneLost(ticks());
    const { fields } = lines.find(({ message }) => message === 'cron runs missed') ?? {};
    assert.equal(fields?.['plugin'], 'guest');
    assert.equal(fields?.['schedule'], 'each-second');
  });
});

suite('a manifest with schedules', { concurrency: true }, () => {
  test('is refused with every schedule that cannot be, before anything runs', async (t) => {
    const file = await pluginFolder(t, {
      wasm: await watGuest({}),
      manifest: manifest('[cron]\ntimezone = "Mars"\n[cron.schedules]\na = "60 * * * *"\nb = "0 0 30 2 *"'),
    });
    await assert.rejects(Host.start({ manifest: file, extensions: [capability] }), (error: Error) => {
      assert.match(error.message, /cron\.timezone: is not the name of a time zone/);
      assert.match(error.message, /cron\.schedules\.a: Invalid value for minute: 60/);
      assert.match(error.message, /cron\.schedules\.b: never comes/);
      return true;
    });
  });

  test('says which package it needs on a host without it', async (t) => {
    const file = await pluginFolder(t, { wasm: await watGuest({}), manifest: manifest(eachSecond) });
    const { code, stderr } = await PulpProcess.run(t, { manifest: file });
    assert.equal(code, 1);
    assert.match(
      stderr,
      /the extension pulp-ext-cron brings it: npm install pulp-ext-cron, then -ext pulp-ext-cron/,
    );
  });

  test('runs with the command', async (t) => {
    const file = await pluginFolder(t, { wasm: await watGuest(printing()), manifest: manifest(eachSecond) });
    const pulp = await PulpProcess.start(t, {
      manifest: file,
      args: ['-ext', new URL('../src/index.ts', import.meta.url).pathname],
      listens: false,
    });
    await until(() => pulp.messages.some((message) => tickOf(message)?.name === 'each-second'), 'a run');
    assert.equal((await pulp.stop()).code, 0);
  });
});
