import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { BUNDLE_FLAGS } from '../../runtime/src/cli/commands.ts';
import {
  BACKUP_FLAGS,
  FLAGS,
  RESTORE_FLAGS,
  SWITCHES,
  flagName,
  keysOf,
} from '../../runtime/src/cli/flags.ts';
import { flagRows, help } from '../../runtime/src/cli/usage.ts';
import { formatJson } from '../../runtime/src/log/json.ts';
import { formatText } from '../../runtime/src/log/text.ts';
import type { LogRecord } from '../../runtime/src/log/record.ts';
import { code, readDocument, tableUnder } from './markdown.ts';
import { allSources } from './source.ts';

const page = await readDocument('docs/command-line.md');

/** The messages of the log. */
const documented = ['Fixed messages', 'Other messages'].flatMap((heading) =>
  tableUnder(page, heading).rows.map(([message]) => code(message)),
);

suite('docs/command-line.md', () => {
  test('its table of flags is that of the source, in its order', () => {
    assert.deepEqual(tableUnder(page, 'Flags').rows, flagRows(FLAGS));
  });

  test('its tables of flags of other commands are those of the source', () => {
    assert.deepEqual(
      page.tables.filter(({ heading }) => heading === 'Backup and restore').map(({ rows }) => rows),
      [flagRows(BACKUP_FLAGS), flagRows(RESTORE_FLAGS)],
    );
  });

  test('the flags of pulp bundle are in docs/deployments.md as in the source', async () => {
    const deployments = await readDocument('docs/deployments.md');
    assert.deepEqual(tableUnder(deployments, 'One file to ship').rows, flagRows(BUNDLE_FLAGS));
  });

  test('it has every switch', () => {
    const [, table] = page.tables.filter(({ heading }) => heading === 'Flags');
    assert.deepEqual(
      table?.rows.map(([name]) => code(name)),
      keysOf(SWITCHES).map((key) => `-${flagName(key)}`),
    );
  });

  test('its exit codes are those of the help', () => {
    const line = /Exit codes:[^]*/.exec(help())?.[0] ?? '';
    const helped = Array.from(line.matchAll(/\b\d+\b/g), ([number]) => number);
    assert.deepEqual(
      tableUnder(page, 'Exit codes').rows.map(([exit]) => exit),
      helped,
    );
  });

  test('it has every message that the source logs, and none besides', () => {
    const logged = new Set(
      Array.from(
        allSources().matchAll(/\.(?:debug|info|warn|error)\(\s*'([^']+)'/g),
        ([, message = '']) => message,
      ),
    );
    // Errors about modules are made by a method of the same name; their first argument is a code.
    for (const message of logged) if (!message.includes(' ')) logged.delete(message);
    logged.add('log lines dropped');
    assert.deepEqual(documented.toSorted(), [...logged].toSorted());
  });

  test('the records it shows are what the formats write', () => {
    const record: LogRecord = {
      time: Date.parse('2026-01-02T03:04:05.678Z'),
      level: 'info',
      message: 'http route registered',
      fields: { plugin: 'echo', method: 'GET', pattern: '/echo/:msg' },
    };
    const shown = page.blocks.filter(({ heading }) => heading === 'Log').map(({ text }) => `${text}\n`);
    assert.deepEqual(shown, [formatText(record), formatJson(record)]);
  });

  test('messages that other documents name are there', async () => {
    for (const file of ['docs/limits.md', 'docs/http.md']) {
      const { text } = await readDocument(file);
      for (const [, message = ''] of text.matchAll(/log:? (?:has )?`([^`]+)`/g)) {
        assert.ok(documented.includes(message), `${file} names "${message}"`);
      }
    }
  });
});
