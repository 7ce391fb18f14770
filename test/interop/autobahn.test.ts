/**
 * Agreement with Autobahn, a WebSocket implementation in Python that shares nothing with `ws`: the client in
 * autobahn/ sends messages in many forms, and is strict about what it gets.
 */
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { suite, test } from 'node:test';
import { startWsGuest, wsGuest } from '../support/ws-guest.ts';

/** Debian's package installs for its own Python, which need not be the first on the PATH. */
const python = ['python3', '/usr/bin/python3'].find(
  (command) => spawnSync(command, ['-c', 'import autobahn.asyncio.websocket']).status === 0,
);
const skip =
  python === undefined &&
  process.env['PULP_REQUIRE_TOOLS'] !== '1' &&
  'Autobahn for Python is not installed (Debian: python3-autobahn)';

const scenarios = [
  'sizes',
  'fragments',
  'streaming',
  'texts',
  'chopped',
  'pings',
  'many',
  'closing',
  'invalid',
  'subprotocols',
];

suite('agreement with Autobahn', { skip }, () => {
  test('every scenario of its client goes well', async (t) => {
    assert.ok(
      python !== undefined,
      'Autobahn for Python is not installed, and PULP_REQUIRE_TOOLS=1 requires it',
    );
    const pulp = await startWsGuest(t, wsGuest(['/ws']), { options: 'protocols = ["chat"]' });
    const script = join(import.meta.dirname, 'autobahn', 'client.py');
    const child = spawn(python, [script, `ws://127.0.0.1:${pulp.port}/ws`], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    t.after(() => child.kill('SIGKILL'));
    const [out, err] = await Promise.all([text(child.stdout), text(child.stderr)]);
    const lines = out.split('\n').filter((line) => line !== '');
    assert.deepEqual(
      lines.map((line) => JSON.parse(line) as unknown),
      scenarios.map((scenario) => ({ scenario, result: 'ok' })),
      err,
    );
    await pulp.alive();
  });
});
