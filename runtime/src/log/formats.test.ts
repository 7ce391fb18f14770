import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import type { LogFields } from '../ext.ts';
import { formatJson } from './json.ts';
import { prettyFormat } from './pretty.ts';
import type { LogRecord } from './record.ts';
import { formatText } from './text.ts';

const TIME = Date.UTC(2026, 0, 2, 3, 4, 5, 678);

function record(message: string, fields: LogFields = {}): LogRecord {
  return { time: TIME, level: 'info', message, fields };
}

function value(fields: LogFields): string {
  return formatText(record('m', fields))
    .replace(/^.* msg=m /, '')
    .trimEnd();
}

suite('text', () => {
  test('writes time, level and message as slog does, then the fields in their order', () => {
    assert.equal(
      formatText(record('pulp boot', { plugin: 'echo', capabilities: ['a', 'b'], version: '0.1.0' })),
      'time=2026-01-02T03:04:05.678Z level=INFO msg="pulp boot" plugin=echo capabilities="[a b]" version=0.1.0\n',
    );
  });

  test('quotes only what is empty or holds a blank, a quote, an equals sign or what does not print', () => {
    // Each pair was compared with what Go 1.26 writes.
    const written: readonly (readonly [string, string])[] = [
      ['', '""'],
      ['plain', 'plain'],
      ['two words', '"two words"'],
      ['a=b', '"a=b"'],
      ['say "x"', String.raw`"say \"x\""`],
      [String.raw`C:\plugins`, String.raw`C:\plugins`],
      [String.raw`C:\my plugins`, String.raw`"C:\\my plugins"`],
      ['/a,b;c:d?e&f', '/a,b;c:d?e&f'],
      ['{}[]', '{}[]'],
      ['é日本😀', 'é日本😀'],
      ['\u00a0', String.raw`"\u00a0"`],
      ['\u2028', String.raw`"\u2028"`],
      ['\u202e', String.raw`"\u202e"`],
      ['\ufffd', '"\ufffd"'],
      ['\u{e0001}', String.raw`"\U000e0001"`],
      ['\x1b[31m', String.raw`"\x1b[31m"`],
      ['\x00\x07\b\f\n\r\t\v', String.raw`"\x00\a\b\f\n\r\t\v"`],
    ];
    for (const [given, expected] of written) assert.equal(value({ k: given }), `k=${expected}`);
  });

  test('escapes DEL and lone surrogates', () => {
    assert.equal(value({ k: '\x7f\ud800' }), String.raw`k="\x7f\ud800"`);
  });

  test('quotes keys and messages by the same rules', () => {
    assert.equal(
      formatText(record('', { 'a b': 1 })),
      'time=2026-01-02T03:04:05.678Z level=INFO msg="" "a b"=1\n',
    );
  });

  test('prints numbers, truth values and lists as Go does, and leaves out what is undefined', () => {
    assert.equal(
      value({
        n: 1.5,
        big: 9_007_199_254_740_993n,
        yes: true,
        none: undefined,
        empty: [],
        one: ['a'],
        inf: -Infinity,
      }),
      'n=1.5 big=9007199254740993 yes=true empty=[] one=[a] inf=-Inf',
    );
  });
});

suite('json', () => {
  test('writes one object a line that parses back to what was given', () => {
    const line = formatJson(
      record('a "b"', { k: 'x\ny', list: ['a', 'b c'], n: 2, yes: false, none: undefined }),
    );
    assert.equal(line.indexOf('\n'), line.length - 1);
    assert.deepEqual(JSON.parse(line), {
      time: '2026-01-02T03:04:05.678Z',
      level: 'INFO',
      msg: 'a "b"',
      k: 'x\ny',
      list: ['a', 'b c'],
      n: 2,
      yes: false,
    });
    assert.deepEqual(Object.keys(JSON.parse(line)).slice(0, 3), ['time', 'level', 'msg']);
  });

  test('keeps large integers exact and gives numbers that JSON lacks as text', () => {
    const line = formatJson(record('m', { big: 9_007_199_254_740_993n, nan: Number.NaN }));
    assert.ok(line.endsWith('"big":9007199254740993,"nan":"NaN"}\n'));
  });

  test('leaves no control or direction mark raw, and loses none', () => {
    const hostile = '\x1b]0;x\x07\x7f\x9b\u202e\u2028\u{e0001}';
    const line = formatJson(record(hostile, { [hostile]: hostile }));
    assert.doesNotMatch(line.trimEnd(), /[\p{Cc}\p{Cf}\u2028]/u);
    const parsed: Record<string, string> = JSON.parse(line);
    assert.equal(parsed['msg'], hostile);
    assert.equal(parsed[hostile], hostile);
  });
});

suite('pretty', () => {
  const plain = prettyFormat({ colour: false });

  test('shows local time, level, message and fields', () => {
    assert.match(
      plain(record('pulp boot', { plugin: 'echo', path: 'a b' })),
      /^\d\d:\d\d:05\.678 INFO {2}pulp boot plugin=echo path="a b"\n$/,
    );
  });

  test('is coloured only when asked to be', () => {
    assert.ok(!plain(record('m', { k: 1 })).includes('\x1b'));
    assert.ok(
      prettyFormat({ colour: true })(record('m', { k: 1 })).endsWith(
        ' \x1b[32mINFO \x1b[0m m \x1b[2mk=1\x1b[0m\n',
      ),
    );
  });

  test('shows a stack behind bars, where no line of it can pass for a record', () => {
    const lines = plain(record('m', { stack: 'Error: x\n12:00:00.000 ERROR forged\x1b[2J' })).split('\n');
    assert.deepEqual(lines.slice(1), ['  | Error: x', String.raw`  | 12:00:00.000 ERROR forged\x1b[2J`, '']);
  });

  test('escapes what does not print in messages, keys and values', () => {
    assert.doesNotMatch(plain(record('a\x1b\r\nb', { 'k\x9b': '\x1b\n' })).trimEnd(), /\p{Cc}/u);
  });
});
