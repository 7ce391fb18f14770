import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { COMMANDS } from './commands.ts';
import {
  FLAGS,
  SWITCHES,
  flagName,
  flagShape,
  keysOf,
  variableName,
  type Flag,
  type FlagTable,
} from './flags.ts';
import { flagTable, help, usage } from './usage.ts';

suite('help', () => {
  test('names every flag, its variable and its default', () => {
    const text = help();
    for (const key of keysOf(FLAGS)) {
      const flag: Flag = FLAGS[key];
      assert.ok(text.includes(`  ${flagShape(key, flag)}\n`), key);
      assert.ok(text.includes(`variable: ${variableName(key)}\n`), key);
      if (flag.fallback !== undefined) assert.ok(text.includes(`default: ${flag.fallback};`), key);
    }
    for (const key of keysOf(SWITCHES)) assert.ok(text.includes(`  -${flagName(key)}\n`), key);
  });

  test('fits a terminal of 100 columns', () => {
    const texts = [help(), usage(), ...keysOf(COMMANDS).flatMap((name) => [help(name), usage(name)])];
    for (const line of texts.join('').split('\n')) assert.ok(line.length <= 100, line);
  });

  test('has every command, and a text for each with its flags', () => {
    for (const name of keysOf(COMMANDS)) {
      assert.match(help(), new RegExp(`^  ${name}\\b`, 'm'));
      assert.ok(help(name).startsWith(`Usage: pulp ${name} `), name);
      const flags: FlagTable = COMMANDS[name].flags;
      for (const [key, flag] of Object.entries(flags)) {
        assert.ok(help(name).includes(`  ${flagShape(key, flag)}\n`), `${name} ${key}`);
      }
    }
  });

  test('what follows a command line with an error is short, and of the command that it was for', () => {
    assert.match(usage(), /^Usage: pulp run /);
    for (const name of keysOf(COMMANDS)) {
      assert.ok(usage(name).startsWith(`Usage: pulp ${name} `), name);
      assert.ok(usage(name).endsWith(`\`pulp help ${name}\` lists its flags.\n`), name);
    }
  });

  test('every default is a value that its flag takes', () => {
    for (const key of keysOf(FLAGS)) {
      const flag: Flag = FLAGS[key];
      const { fallback } = flag;
      if (fallback !== undefined) assert.doesNotThrow(() => flag.kind.parse(fallback), key);
    }
  });
});

suite('table of flags', () => {
  test('is Markdown with a row for every flag', () => {
    const rows = flagTable(FLAGS).trimEnd().split('\n');
    assert.equal(rows.length, keysOf(FLAGS).length + 2);
    // A bar inside a cell is escaped, so that each row has four cells.
    for (const row of rows) assert.equal(row.replaceAll(String.raw`\|`, '').split('|').length, 6, row);
    assert.ok(flagTable(FLAGS).includes('| `-http-port PORT` | `PULP_HTTP_PORT` | `8080` |'));
  });
});
