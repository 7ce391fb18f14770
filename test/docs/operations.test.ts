import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { COMMANDS, LOGS_FLAGS } from '../../runtime/src/cli/commands.ts';
import { FLAGS, flagName, keysOf } from '../../runtime/src/cli/flags.ts';
import { flagRows } from '../../runtime/src/cli/usage.ts';
import { ACTS } from '../../runtime/src/control/protocol.ts';
import { code, readDocument, tableUnder } from './markdown.ts';
import { sourceOf } from './source.ts';

const page = await readDocument('docs/operations.md');
const elsewhere = new Set<string>(['run', 'bundle', 'backup', 'restore']);

suite('docs/operations.md', () => {
  test('it has every command for a host that runs', () => {
    assert.deepEqual(
      tableUnder(page, 'Commands').rows.map(([command]) => /^pulp (\w+)/.exec(code(command))?.[1]),
      keysOf(COMMANDS).filter((name) => !elsewhere.has(name)),
    );
  });

  test('it names every flag of theirs, and has the table of those of pulp logs', () => {
    assert.deepEqual(tableUnder(page, 'Flags of pulp logs').rows, flagRows(LOGS_FLAGS));
    for (const name of keysOf(COMMANDS)) {
      if (elsewhere.has(name)) continue;
      for (const key of Object.keys(COMMANDS[name].flags)) {
        assert.ok(key in FLAGS || page.text.includes(`-${flagName(key)}`), `${name} -${flagName(key)}`);
      }
    }
  });

  test('it has every state of a plugin', () => {
    const union = /export type PluginState =([^;]*);/.exec(sourceOf('host/status.ts'))?.[1] ?? '';
    const states = Array.from(union.matchAll(/'(\w+)'/g), ([, state]) => state);
    assert.ok(states.length > 0);
    assert.deepEqual(
      tableUnder(page, 'States').rows.map(([state]) => code(state)),
      states,
    );
  });

  test('it has every request of the control socket', () => {
    const [stop = '', rest = ''] = tableUnder(page, 'Socket')
      .rows.map(([request = '']) => request)
      .filter((request) => request.includes('stop') || request.includes('restart'));
    for (const act of ACTS) assert.ok(`${stop} ${rest}`.includes(act), act);
    const source = `${sourceOf('control/server.ts')}${sourceOf('control/health.ts')}`;
    for (const [path] of source.matchAll(/(?<=')\/(?:v1\/\w+|\w+z)(?=')/g)) {
      assert.ok(page.text.includes(`GET ${path}`), path);
    }
  });
});
