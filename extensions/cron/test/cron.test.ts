import assert from 'node:assert/strict';
import { suite, test, type TestContext } from 'node:test';
import { Host } from '../../../runtime/src/index.ts';
import type { LogFields } from '../../../runtime/src/ext.ts';
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

/** Prints each event, and then does what is given. */
function printing(then: Action = () => ''): WatGuest {
  return {
    imports:
      '(import "wasi_snapshot_preview1" "fd_write" (func $fd_write (param i32 i32 i32 i32) (result i32)))',
    fields: `
      (func $print (param $pointer i32) (param $length i32)
        (i32.store (i32.const 256) (i32.add (local.get $pointer) (i32.const 20)))
        (i32.store (i32.const 260) (i32.sub (local.get $length) (i32.const 20)))
        (i32.store (i32.const 264) (i32.const 272))
        (i32.store (i32.const 268) (i32.const 1))
        (i32.store8 (i32.const 272) (i32.const 10))
        (drop (call $fd_write (i32.const 1) (i32.const 256) (i32.const 2) (i32.const 276))))`,
    step: (data) =>
      `(if (i32.gt_u (local.get 1) (i32.const 20)) (then (call $print (local.get 0) (local.get 1)) ${then(data)}))`,
  };
}

/** A tick as the guest printed it: text shows what of the message is text. */
interface Tick {
  readonly text: string;
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
  const ticks = (): readonly Tick[] =>
    lines.filter(({ message }) => message.includes('cron.tick')).map(({ message }) => ({ text: message }));
  return { host, lines, ticks, file };
}

suite('a plugin with schedules', { concurrency: true }, () => {
  test('gets an event for each run, with its name and what was missed', async (t) => {
    const { ticks } = await start(t, printing(), manifest(eachSecond));
    await until(() => ticks().length >= 3, 'three seconds pass');
    for (const { text } of ticks()) {
      assert.match(text, /kind.*cron\.tick.*payload.*name.*each-second.*scheduled_at.*missed/);
    }
  });

  test('keeps its schedules when it breaks', async (t) => {
    const { ticks, lines } = await start(t, printing(trap()), manifest(eachSecond));
    await until(() => ticks().length >= 2, 'it breaks twice');
    assert.ok(lines.filter(({ message }) => message === 'plugin crashed').length >= 1);
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
    const { lines } = await start(t, printing(busy(3000)), manifest(eachSecond));
    await until(() => lines.some(({ message }) => message === 'cron runs missed'), 'runs are missed');
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
    await until(() => pulp.messages.some((message) => message?.includes('each-second')), 'a run');
    assert.equal((await pulp.stop()).code, 0);
  });
});
