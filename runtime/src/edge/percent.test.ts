import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { decodePercent } from './percent.ts';

suite('decodePercent', () => {
  // Short and long text take different ways.
  for (const pad of ['', 'x'.repeat(1000)]) {
    const kind = pad === '' ? 'short' : 'long';

    test(`decodes any byte of a ${kind} text, in both cases of digits`, () => {
      for (let byte = 0; byte < 256; byte++) {
        const digits = byte.toString(16).padStart(2, '0');
        const character = String.fromCharCode(byte);
        assert.equal(decodePercent(`${pad}a%${digits}b${pad}`), `${pad}a${character}b${pad}`);
        assert.equal(decodePercent(`${pad}%${digits.toUpperCase()}`), pad + character);
      }
    });

    test(`decodes a ${kind} text once, and leaves the rest as it is`, () => {
      assert.equal(decodePercent(`%2541+%25${pad}`), `%41+%${pad}`);
      assert.equal(decodePercent(`\xff%41\xfe${pad}`), `\xffA\xfe${pad}`);
      assert.equal(decodePercent(pad), pad);
    });

    test(`refuses a percent sign without two digits in a ${kind} text`, () => {
      for (const raw of [
        '%',
        '%4',
        'a%',
        '%4g',
        '%g4',
        '%%41',
        '% 41',
        '%4%31',
        '%-1',
        '%\xff1',
        '%\u{130}1',
      ]) {
        assert.equal(decodePercent(pad + raw), undefined, raw);
        assert.equal(decodePercent(`%41${pad}${raw}`), undefined, raw);
      }
    });
  }
});
