import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { parseCommandLine } from '../../runtime/src/cli/command-line.ts';
import { documents, root } from './markdown.ts';

interface Package {
  readonly scripts: Readonly<Record<string, string>>;
}

const all = await documents();
const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as Package;
const commands = all.flatMap(({ file, blocks }) =>
  blocks
    .filter(({ language }) => language === 'sh')
    .flatMap(({ text, line }) =>
      text
        .split('\n')
        .flatMap((entry, index) =>
          entry
            .split(' && ')
            .map((command) => ({ command: command.trim(), where: `${file}:${line + index}` })),
        ),
    )
    .filter(({ command }) => command !== '' && !command.startsWith('#')),
);

suite('commands in documents', () => {
  test('scripts of npm exist', () => {
    const named = all.flatMap(({ file, text }) =>
      Array.from(text.matchAll(/\bnpm (?:run ([\w:-]+)|(test|start)\b)/g), ([, run, own]) => ({
        file,
        name: run ?? own ?? '',
      })),
    );
    assert.ok(named.length > 0);
    for (const { file, name } of named)
      assert.ok(name in scripts, `${file}: package.json has no script ${name}`);
  });

  test('flags of pulp are accepted', () => {
    const runs = commands.filter(({ command }) => command.startsWith('npx pulp'));
    assert.ok(runs.length > 0);
    for (const { command, where } of runs) {
      const argv = command.split(' ').slice(2);
      assert.doesNotThrow(() => parseCommandLine(argv, {}), where);
    }
  });

  test('every other command is one that this test knows', () => {
    const known =
      /^(?:npm (?:ci|test|start|run|install(?: pulp-[\w-]+)+$)|npx pulp|\.\/my-app|cp -r|cd|curl|node --test|GOOS=wasip1 GOARCH=wasm go build)\b/;
    for (const { command, where } of commands) assert.match(command, known, where);
  });

  test('what is copied exists', () => {
    const copies = commands.flatMap(({ command, where }) => {
      const [, from] = /^cp -r (\S+)/.exec(command) ?? [];
      return from === undefined ? [] : [{ from, where }];
    });
    assert.ok(copies.length > 0);
    for (const { from, where } of copies)
      assert.ok(existsSync(join(root, from)), `${where}: there is no ${from}`);
  });
});
