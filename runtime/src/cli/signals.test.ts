import assert from 'node:assert/strict';
import { EventEmitter } from 'node:events';
import { suite, test } from 'node:test';
import { Signals, signalExitCode } from './signals.ts';

const windows = process.platform === 'win32' && "SIGHUP is the system's";

suite('signals', () => {
  test('the first one ends in order, a second one is told as such', async () => {
    const source = new EventEmitter();
    const again: string[] = [];
    let now = 0;
    using signals = new Signals({ source, clock: () => now, again: (signal) => again.push(signal) });
    source.emit('SIGTERM', 'SIGTERM');
    assert.equal(await signals.first, 'SIGTERM');
    now = 100;
    source.emit('SIGINT', 'SIGINT');
    assert.deepEqual(again, ['SIGINT']);
  });

  test('copies of one press of Ctrl-C count once', () => {
    const source = new EventEmitter();
    const again: string[] = [];
    let now = 0;
    using signals = new Signals({ source, clock: () => now, again: (signal) => again.push(signal) });
    assert.ok(signals);
    for (now = 0; now < 100; now += 33) source.emit('SIGINT', 'SIGINT');
    assert.deepEqual(again, []);
  });

  test('SIGHUP reloads, unless a terminal was closed: then it ends', { skip: windows }, async () => {
    const source = new EventEmitter();
    const reloads: string[] = [];
    let terminals = 2;
    let now = 0;
    const again: string[] = [];
    using signals = new Signals({
      source,
      clock: () => now,
      again: (signal) => again.push(signal),
      reload: (signal) => reloads.push(signal),
      terminals: () => terminals,
    });
    source.emit('SIGHUP', 'SIGHUP');
    source.emit('SIGHUP', 'SIGHUP');
    assert.deepEqual(reloads, ['SIGHUP', 'SIGHUP']);
    terminals = 0;
    source.emit('SIGHUP', 'SIGHUP');
    assert.equal(await signals.first, 'SIGHUP');
    now = 100;
    source.emit('SIGTERM', 'SIGTERM');
    assert.deepEqual([reloads.length, again], [2, ['SIGTERM']]);
  });

  test('nothing listens any more after disposal', () => {
    const source = new EventEmitter();
    const signals = new Signals({ source, again: () => assert.fail(), reload: () => assert.fail() });
    assert.ok(source.listenerCount('SIGINT') === 1 && source.listenerCount('SIGTERM') === 1);
    signals[Symbol.dispose]();
    assert.deepEqual(source.eventNames(), []);
  });

  test('exit codes are those of shells', () => {
    assert.equal(signalExitCode('SIGINT'), 130);
    assert.equal(signalExitCode('SIGTERM'), 143);
  });
});
