import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { decodeLog, decodeState, encodeHostEffect, type InstanceState, type LogEffect } from './protocol.ts';

/** As it arrives: a view of memory that two threads share. */
function shared(bytes: Uint8Array): Uint8Array {
  const buffer = Buffer.from(new SharedArrayBuffer(bytes.length + 20), 10, bytes.length);
  buffer.set(bytes);
  return buffer;
}

suite('what an instance says to the host', () => {
  test('a log line arrives as it was, any text included', () => {
    const log: LogEffect = {
      level: 'warn',
      message: 'a message \u{1f600} \u0000 "quoted"',
      fields: { plugin: 'ü', count: -1.5, on: true, list: ['a', ''] },
    };
    assert.deepEqual(decodeLog(shared(encodeHostEffect(log))), log);
  });

  test('a bigint arrives as a number, and what is undefined not at all', () => {
    const log = { level: 'info', message: 'm', fields: { id: 12n, none: undefined } } as unknown as LogEffect;
    assert.deepEqual(decodeLog(shared(encodeHostEffect(log))).fields, { id: 12 });
  });

  test('each state arrives as it was', () => {
    const states: readonly InstanceState[] = [
      { state: 'ready' },
      { state: 'failed', reason: 'no database' },
      { state: 'trapped', entry: 'pulp_step', reason: 'unreachable' },
      { state: 'stopped', code: -3 },
    ];
    for (const state of states) assert.deepEqual(decodeState(shared(encodeHostEffect(state))), state);
  });
});
