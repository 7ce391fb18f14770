import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import type { LogRecord } from '../log/record.ts';
import { kept, LogHistory, type LogQuery } from './log-history.ts';

function record(message: string, plugin?: string, time = 0): LogRecord {
  return { time, level: 'info', message, fields: plugin === undefined ? {} : { plugin } };
}

async function messages(history: LogHistory, query: LogQuery = {}): Promise<string[]> {
  let text = '';
  for await (const piece of history.read(query)) text += piece;
  return text
    .split('\n')
    .slice(0, -1)
    .map((line) => (JSON.parse(line) as { msg: string }).msg);
}

suite('log history', () => {
  test('gives what was said, in order, of all or of one plugin', async () => {
    const history = new LogHistory();
    history.add(record('a', 'x', 1));
    history.add(record('b', undefined, 2));
    history.add(record('c', 'y', 3));
    history.add(record('d', 'x', 4));
    assert.deepEqual(await messages(history), ['a', 'b', 'c', 'd']);
    assert.deepEqual(await messages(history, { plugin: 'x' }), ['a', 'd']);
    assert.deepEqual(await messages(history, { plugin: 'z' }), []);
    assert.deepEqual(await messages(history, { tail: 2 }), ['c', 'd']);
    assert.deepEqual(await messages(history, { tail: 0 }), []);
    assert.deepEqual(await messages(history, { since: 3 }), ['c', 'd']);
    assert.deepEqual(await messages(history, { plugin: 'x', tail: 1, since: 1 }), ['d']);
  });

  test('keeps the last lines of a plugin that says too much, and all of the others', async () => {
    const history = new LogHistory();
    history.add(record('quiet', 'x'));
    for (let n = 0; n < kept.maxPluginLines + 700; n++) history.add(record(`line ${n}`, 'y'));
    const lines = await messages(history, { plugin: 'y' });
    assert.equal(lines.length, kept.maxPluginLines);
    assert.equal(lines[0], 'line 700');
    assert.equal(lines.at(-1), `line ${kept.maxPluginLines + 699}`);
    assert.deepEqual(await messages(history, { plugin: 'x' }), ['quiet']);
  });

  test('counts bytes as well as lines', async () => {
    const history = new LogHistory();
    const long = 'x'.repeat(10_000);
    for (let n = 0; n < 200; n++) history.add(record(`${n} ${long}`, 'x'));
    const lines = await messages(history);
    const bytes = lines.reduce((sum, line) => sum + line.length, 0);
    assert.ok(bytes <= kept.maxPluginBytes && bytes > kept.maxPluginBytes * 0.9, `${bytes}`);
    history.add(record('x'.repeat(kept.maxPluginBytes), 'x'));
    assert.deepEqual(await messages(history), [], 'a line that is too long for itself');
  });

  test('takes from who has most when all together have too much', async () => {
    const history = new LogHistory();
    history.add(record('quiet', 'x'));
    const line = 'y'.repeat(1_000);
    for (let plugin = 0; plugin < 30; plugin++) {
      for (let n = 0; n < 900; n++) history.add(record(line, `p${plugin}`));
    }
    const all = await messages(history);
    assert.equal(all[0], 'quiet');
    assert.ok(all.length <= kept.maxLines);
    const bytes = all.reduce((sum, text) => sum + text.length, 0);
    assert.ok(bytes <= kept.maxBytes && bytes > kept.maxBytes / 2, `${bytes}`);
    const counts = await Promise.all(
      Array.from(
        { length: 30 },
        async (_, plugin) => (await messages(history, { plugin: `p${plugin}` })).length,
      ),
    );
    assert.ok(Math.max(...counts) - Math.min(...counts) <= 1, counts.join(' '));
  });

  test('a follower gets what is there and what comes, until the end', async () => {
    const history = new LogHistory();
    history.add(record('before', 'x'));
    const following = messages(history, { plugin: 'x', follow: true });
    await setImmediate();
    history.add(record('other', 'y'));
    history.add(record('after', 'x'));
    await setImmediate();
    history.add(record('last', 'x'));
    history.end();
    assert.deepEqual(await following, ['before', 'after', 'last']);
    assert.deepEqual(
      await messages(history, { follow: true, tail: 1 }),
      ['last'],
      'nothing comes after the end',
    );
  });

  test('a follower that does not read loses lines, and is told how many', async () => {
    const history = new LogHistory();
    const reading = history.read({ follow: true });
    const first = reading.next();
    await setImmediate();
    const line = 'x'.repeat(1_000);
    history.add(record('first'));
    await first;
    for (let n = 0; n < 1_000; n++) history.add(record(`${n} ${line}`));
    const { value } = await reading.next();
    const lines = String(value).trimEnd().split('\n');
    assert.ok(lines.length < 300, `${lines.length} lines waited`);
    const last = JSON.parse(lines.at(-1) ?? '') as { msg: string; count: number };
    assert.deepEqual([last.msg, last.count], ['log lines dropped', 1_000 - (lines.length - 1)]);
    history.add(record('again'));
    assert.match(String((await reading.next()).value), /"msg":"again"/);
    history.end();
    assert.equal((await reading.next()).done, true);
  });

  test('a signal ends a follower that waits', async () => {
    const history = new LogHistory();
    const ending = new AbortController();
    const following = messages(history, { follow: true, signal: ending.signal });
    await setImmediate();
    ending.abort();
    assert.deepEqual(await following, []);
  });
});
