import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { code, readDocument, tableUnder } from './markdown.ts';
import { allSources, sourceOf } from './source.ts';

const page = await readDocument('docs/http.md');
const documented = new Set(
  tableUnder(page, 'Status codes').rows.map(([status, body]) => `${status} ${code(body)}`),
);

suite('docs/http.md', () => {
  test('it has every answer that the edge gives of its own, with its text', () => {
    const sources = allSources();
    const replied = Array.from(
      sources.matchAll(/\breply\([\w.]+, (\d{3}), '([^']+)'/g),
      ([, status = '', text = '']) => `${status} ${text}`,
    );
    assert.ok(replied.length > 5);
    for (const answer of replied) assert.ok(documented.has(answer), `${answer} is not documented`);
  });

  test('it has every status that is answered on a bare socket', () => {
    const source = sourceOf('edge/refuse.ts');
    const [reasons = ''] = /const reasons[^]*?};/.exec(source) ?? [];
    const known = Array.from(
      reasons.matchAll(/(\d{3}): '([^']+)'/g),
      ([, status, reason = '']) => `${status} ${status} ${reason.toLowerCase()}`,
    );
    assert.ok(known.length > 0);
    // A chunk's extensions that are too long: nobody meets it by accident.
    for (const answer of known.filter((line) => !line.startsWith('413'))) {
      assert.ok(documented.has(answer), `${answer} is not documented`);
    }
  });

  test('what it says that clients get, the source says', () => {
    const sources = allSources();
    for (const [status = '', body = ''] of tableUnder(page, 'Status codes').rows) {
      if (body === 'none') continue;
      const text = code(body);
      const [, reason] = /^(\d{3}) (.*)$/.exec(text) ?? [];
      const found = sources.toLowerCase().includes(reason === status ? text.slice(4) : text);
      assert.ok(found, `the source never says ${status} "${text}"`);
    }
  });
});
