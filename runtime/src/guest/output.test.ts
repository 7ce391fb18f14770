import { suite, test } from 'node:test';
import assert from 'node:assert/strict';
import * as fc from 'fast-check';
import { GuestOutput } from './output.ts';
import type { GuestOutputOptions } from './output.ts';

const bytes = (text: string) => new TextEncoder().encode(text);

function record(options: Partial<GuestOutputOptions> = {}) {
  const lines: string[] = [];
  const said: string[] = [];
  const output = new GuestOutput({
    line: (fd, text) => {
      lines.push(text);
      said.push(`${fd}:${text}`);
    },
    dropped: (count) => said.push(`dropped ${count}`),
    now: () => 0,
    ...options,
  });
  return { output, lines, said };
}

suite('GuestOutput', () => {
  test('lines end at LF or CR LF, blank ones are kept', () => {
    const { output, lines } = record();
    output.write(1, bytes('one\ntwo\r\n\nthree\n'));
    assert.deepEqual(lines, ['one', 'two', '', 'three']);
  });

  test('a line may come in parts, its end too', () => {
    const { output, lines } = record();
    for (const part of ['on', 'e\r', '\ntw', 'o', '\n']) output.write(1, bytes(part));
    assert.deepEqual(lines, ['one', 'two']);
  });

  test('a last line without an end comes at flush, once', () => {
    const { output, lines } = record();
    output.write(1, bytes('done\nwhy it failed'));
    assert.deepEqual(lines, ['done']);
    output.flush();
    output.flush();
    assert.deepEqual(lines, ['done', 'why it failed']);
  });

  test('the two streams do not mix', () => {
    const { output, said } = record();
    output.write(1, bytes('out'));
    output.write(2, bytes('err'));
    output.write(1, bytes('put\n'));
    output.flush();
    assert.deepEqual(said, ['1:output', '2:err']);
  });

  test('however text is cut into writes, it comes out the same', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.array(fc.nat(40)), (text, cuts) => {
        const whole = record();
        whole.output.write(1, bytes(text));
        whole.output.flush();
        const parts = record();
        let at = 0;
        const all = bytes(text);
        for (const size of cuts) {
          parts.output.write(1, all.subarray(at, at + size));
          at += size;
        }
        parts.output.write(1, all.subarray(at));
        parts.output.flush();
        assert.deepEqual(parts.lines, whole.lines);
      }),
    );
  });

  test('a character split over two writes is whole', () => {
    const { output, lines } = record();
    const [...euro] = bytes('€🐙\n');
    for (const byte of euro) output.write(1, Uint8Array.of(byte));
    assert.deepEqual(lines, ['€🐙']);
  });

  test('bytes that are not UTF-8 become replacement characters', () => {
    const { output, lines } = record();
    output.write(1, Uint8Array.of(0x61, 0xff, 0xfe, 0x62, 0x0a, 0xe2, 0x82));
    output.flush();
    assert.deepEqual(lines, ['a\ufffd\ufffdb', '\ufffd']);
  });

  test('terminal escapes and control characters are shown, tabs kept', () => {
    const { output, lines } = record();
    output.write(1, bytes('\u001b[2Ja\u0000\ra\tb\u0007\u007f\u009b1m\n'));
    assert.deepEqual(lines, ['\\x1b[2Ja\\x00\\x0da\tb\\x07\\x7f\\x9b1m']);
  });

  test('line separators and changes of direction are shown', () => {
    const { output, lines } = record();
    output.write(1, bytes('a\u2028b\u2029c\u202ed\u2066e\u061cf\n'));
    assert.deepEqual(lines, ['a\\u{2028}b\\u{2029}c\\u{202e}d\\u{2066}e\\u{61c}f']);
  });

  test('nothing that comes out can drive a terminal or forge a line', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (given) => {
        const { output, lines } = record();
        output.write(2, given);
        output.flush();
        for (const line of lines) assert.match(line, /^(?:\t|[^\p{Cc}\u2028-\u202e\u2066-\u2069])*$/u);
      }),
    );
  });

  test('a line of the longest length is whole, a longer one is cut with a mark and its rest dropped', () => {
    const { output, lines } = record({ maxLine: 10 });
    output.write(1, bytes('0123456789\r\n0123456789a\n'));
    output.write(1, bytes('01234'));
    output.write(1, bytes('56789abc'));
    output.write(1, bytes('def\nnext\n'));
    const cut = '0123456789… [cut at 10 characters]';
    output.write(1, bytes('0123456789\rmore\n'));
    assert.deepEqual(lines, ['0123456789', cut, cut, 'next', cut]);
  });

  test('a cut never parts an escape or a surrogate pair, and counts escapes', () => {
    const { output, lines } = record({ maxLine: 10 });
    output.write(1, bytes('\u0001\u0001\u0001\n12345678🐙🐙\n123456789🐙\n'));
    const mark = '… [cut at 10 characters]';
    assert.deepEqual(lines, [`\\x01\\x01${mark}`, `12345678🐙${mark}`, `123456789${mark}`]);
  });

  test('a line without end takes no more memory than the longest line', () => {
    const { output, lines } = record({ maxLine: 100 });
    for (let count = 0; count < 100; count += 1) output.write(1, bytes('x'.repeat(10_000)));
    output.flush();
    assert.equal(lines.length, 1);
    assert.ok((lines[0]?.length ?? 0) < 150);
  });

  test('by default a line has 8192 characters', () => {
    const { output, lines } = record();
    output.write(1, bytes(`${'x'.repeat(8192)}\n${'x'.repeat(8193)}\n`));
    assert.equal(lines[0], 'x'.repeat(8192));
    assert.match(lines[1] ?? '', /\[cut at 8192 characters\]$/);
  });

  test('of a flood a burst comes through, and that it is cut is said as it begins, how much once it is over', () => {
    let time = 0;
    const { output, said } = record({ now: () => time, burst: 4, linesPerSecond: 2 });
    output.write(1, bytes('x\n'.repeat(10)));
    assert.deepEqual(said, ['1:x', '1:x', '1:x', '1:x', 'dropped 1']);
    time = 500;
    output.write(1, bytes('still too early\n'));
    output.sayDropped();
    assert.equal(said.length, 5);
    time = 999;
    output.write(1, bytes('nearly\n'));
    time = 1000;
    output.write(1, bytes('after\n'));
    assert.deepEqual(said.slice(5), ['dropped 7', '1:after']);
  });

  test('what was dropped is said behind a flood though nothing is printed any more', () => {
    let time = 0;
    const { output, said } = record({ now: () => time, burst: 1 });
    output.write(1, bytes('x\n'.repeat(10)));
    time = 900;
    output.sayDropped();
    assert.deepEqual(said, ['1:x', 'dropped 1']);
    time = 1000;
    output.sayDropped();
    output.sayDropped();
    assert.deepEqual(said, ['1:x', 'dropped 1', 'dropped 8']);
  });

  test('a guest that was quiet for long has no more than a burst', () => {
    let time = 0;
    const { output, lines } = record({ now: () => time, burst: 4 });
    time = 1_000_000;
    output.write(1, bytes('x\n'.repeat(10)));
    assert.equal(lines.length, 4);
  });

  test('in an endless flood the remark comes seldom, and the rate is kept', () => {
    let time = 0;
    const { output, said } = record({ now: () => time });
    for (; time < 10_000; time += 1) output.write(1, bytes('x\n'.repeat(20)));
    const remarks = said.filter((text) => text.startsWith('dropped')).length;
    const lines = said.length - remarks;
    assert.ok(remarks >= 1 && remarks <= 20, `${remarks} remarks`);
    assert.ok(lines > 8000 && lines <= 12_000, `${lines} lines`);
    output.flush();
    const dropped = said
      .filter((text) => text.startsWith('dropped'))
      .reduce((sum, text) => sum + Number(text.slice('dropped '.length)), 0);
    assert.equal(lines + dropped, 200_000);
  });

  test('at flush the dropped lines are counted and the last one still comes', () => {
    const { output, said } = record({ burst: 1 });
    output.write(2, bytes('a\nb\nc\npanic: out of luck'));
    output.flush();
    assert.deepEqual(said, ['2:a', 'dropped 1', 'dropped 1', '2:panic: out of luck']);
  });
});
