import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { FakeHost, pluginStatus } from '../../../test/support/fake-host.ts';
import type { ControlStatus } from '../control/protocol.ts';
import { compare, redraw, statsTable } from './stats.ts';

function status(finishedEvents: number, cpuMs: number, computedMs = 0): ControlStatus {
  const host = new FakeHost([
    pluginStatus('echo', { finishedEvents, computedMs, queuedEvents: 3, queuedBytes: 2_048 }),
  ]);
  return { ...host.status(), pulp: '1', cpuMs, rssBytes: 2 ** 26 };
}

suite('stats', () => {
  test('are what happened between two looks', () => {
    const stats = compare(
      { at: 1_000, status: status(100, 500, 40) },
      { at: 3_000, status: status(350, 2_500, 550) },
    );
    assert.equal(stats.cpuPercent, 100);
    assert.equal(stats.plugins[0]?.eventsPerSecond, 125);
    assert.equal(stats.plugins[0]?.busyPercent, 25.5);
    assert.equal(
      statsTable(stats),
      [
        'host 1: CPU 100%, memory 64MiB, guests 128KiB of 4GiB, edge 0B of 256MiB',
        '',
        'NAME   STATE   BUSY    EVENTS/S   MEMORY / LIMIT   QUEUE   QUEUED',
        'echo   ready   25.5%   125        64KiB / 1GiB     3       2KiB',
        '',
      ].join('\n'),
    );
  });

  test('of a plugin that was not there before are 0', () => {
    const before = { ...status(0, 0), plugins: [] };
    assert.equal(
      compare({ at: 0, status: before }, { at: 1_000, status: status(9, 0) }).plugins[0]?.eventsPerSecond,
      0,
    );
  });

  test('are drawn over those before', () => {
    assert.equal(redraw('a\nb\n'), '\x1b[Ha\x1b[K\nb\x1b[K\n\x1b[J');
  });
});
