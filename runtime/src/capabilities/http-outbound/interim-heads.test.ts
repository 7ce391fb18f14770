import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { InterimHeads } from './interim-heads.ts';

/** What comes out of it for text that arrives in these pieces. */
function passed(heads: InterimHeads, ...pieces: readonly string[]): string {
  return pieces
    .map((piece) => {
      const bytes = Buffer.from(piece, 'latin1');
      heads.pass(bytes);
      return bytes.toString('latin1');
    })
    .join('');
}

function begun(): InterimHeads {
  const heads = new InterimHeads();
  heads.begin();
  return heads;
}

const answer = 'HTTP/1.1 200 OK\r\nX: HTTP/1.1 100\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n';

suite('InterimHeads', () => {
  test('lets 100 pass for 102, wherever the bytes are cut', () => {
    const sent = `HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: HTTP/1.1 100\r\n\r\nHTTP/1.0 100\r\nA: \r\r\n\r\n${answer}`;
    const expected = sent
      .replace('HTTP/1.1 100 Continue', 'HTTP/1.1 102 Continue')
      .replace('HTTP/1.0 100', 'HTTP/1.0 102');
    assert.equal(passed(begun(), sent), expected);
    assert.equal(passed(begun(), ...sent.split('')), expected);
    for (let cut = 1; cut < sent.length; cut++) {
      assert.equal(passed(begun(), sent.slice(0, cut), sent.slice(cut)), expected, `cut at ${cut}`);
    }
  });

  test('leaves everything else as it is', () => {
    for (const sent of [
      answer,
      'HTTP/1.1 101 Switching Protocols\r\n\r\n',
      'HTTP/1.1 1x0\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n',
      'HTTP/2 100\r\n\r\n',
      ' HTTP/1.1 100 Continue\r\n\r\n',
      'HTTP/1.1 110 Odd\r\n\r\nHTTP/1.1 200 OK\r\n\r\n',
    ]) {
      assert.equal(passed(begun(), sent), sent, sent);
    }
  });

  test('begins again with each request, and not before', () => {
    const heads = new InterimHeads();
    const interim = 'HTTP/1.1 100 Continue\r\n\r\n';
    assert.equal(passed(heads, interim), interim);
    heads.begin();
    assert.equal(passed(heads, interim, answer, interim), interim.replace('100', '102') + answer + interim);
    heads.begin();
    assert.equal(passed(heads, interim), interim.replace('100', '102'));
  });
});
