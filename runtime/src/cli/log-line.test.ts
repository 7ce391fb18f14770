import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { formatJson } from '../log/json.ts';
import type { LogRecord } from '../log/record.ts';
import { formatText } from '../log/text.ts';
import { logLine } from './log-line.ts';

const record: LogRecord = {
  time: Date.parse('2026-01-02T03:04:05.678Z'),
  level: 'warn',
  message: 'a "b"\n\x1b[2J',
  fields: { plugin: 'echo', big: 2n ** 63n - 1n, ratio: 1.5, yes: true, list: ['a', 'b c'] },
};

suite('a line of the log', () => {
  test('comes out of its JSON as it would have been written', () => {
    const json = formatJson(record).trimEnd();
    assert.equal(logLine(json, 'text', false), formatText(record));
    assert.equal(logLine(json, 'json', false), `${json}\n`);
    assert.ok(logLine(json, 'pretty', true).includes('\x1b[33mWARN '));
    assert.ok(!logLine(json, 'pretty', false).includes('\x1b'));
  });
});
