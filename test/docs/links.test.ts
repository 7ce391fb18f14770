import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { join, posix } from 'node:path';
import { suite, test } from 'node:test';
import { documents, root } from './markdown.ts';

const all = await documents();
const byFile = new Map(all.map((document) => [document.file, document]));

suite('links in documents', () => {
  for (const { file, links } of all) {
    test(`${file}: every link of the repository's own leads somewhere`, () => {
      for (const { target, line } of links) {
        if (/^[a-z]+:/.test(target)) continue;
        const [path = '', anchor] = target.split('#');
        const to = path === '' ? file : posix.normalize(posix.join(posix.dirname(file), path));
        // Written by `npm run bench`.
        if (to.startsWith('bench/results/')) continue;
        assert.ok(existsSync(join(root, to)), `${file}:${line}: ${target} is not there`);
        if (anchor === undefined) continue;
        assert.ok(
          byFile.get(to)?.anchors.has(anchor),
          `${file}:${line}: ${to} has no heading for #${anchor}`,
        );
      }
    });
  }

  test('every document can be reached from README.md', () => {
    const seen = new Set(['README.md']);
    for (const file of seen) {
      for (const { target } of byFile.get(file)?.links ?? []) {
        const to = posix.normalize(posix.join(posix.dirname(file), target.split('#')[0] ?? ''));
        if (byFile.has(to)) seen.add(to);
      }
    }
    const lost = all.filter(({ file }) => file.startsWith('docs/') && !seen.has(file));
    assert.deepEqual(
      lost.map(({ file }) => file),
      [],
    );
  });

  test('files and folders that are named in code exist', () => {
    for (const { file, text } of all) {
      for (const [, path = ''] of text.matchAll(/`((?:plugins|runtime|sdk|test|docs)\/[\w./-]+)`/g)) {
        assert.ok(existsSync(join(root, path)), `${file}: there is no ${path}`);
      }
    }
  });
});
