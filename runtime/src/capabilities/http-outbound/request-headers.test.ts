import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import type { HeaderField } from '../../abi/field.ts';
import { Failure } from '../../ext.ts';
import {
  type RequestHeaders,
  maxRequestHeaderBytes,
  maxRequestHeaders,
  requestHeaders,
} from './request-headers.ts';

function headers(given: readonly HeaderField[], authorization?: string): RequestHeaders {
  return requestHeaders(given, { authorization, userAgent: 'Pulp/1' });
}

/** The lines without those that the host adds. */
function lines(given: readonly HeaderField[]): readonly (readonly [string, string])[] {
  return headers(given).lines.filter(
    ([name, value]) => name !== 'Accept-Encoding' && !(name === 'User-Agent' && value === 'Pulp/1'),
  );
}

function code4(error: unknown): boolean {
  return error instanceof Failure && error.code === 4;
}

/** The values that are sent of a header. */
function valuesOf(
  lowerName: string,
  given: readonly HeaderField[],
  authorization?: string,
): readonly string[] {
  const { lines: all } = headers(given, authorization);
  return all.flatMap(([name, value]) => (name.toLowerCase() === lowerName ? [value] : []));
}

suite('requestHeaders', () => {
  test('sends names and values as given, several values as several lines', () => {
    assert.deepEqual(
      lines([
        ['x-LOWER', ['a\xe9\xff']],
        ['X-Many', ['1', '', '2']],
        ['x-none', []],
      ]),
      [
        ['x-LOWER', 'a\xe9\xff'],
        ['X-Many', '1'],
        ['X-Many', ''],
        ['X-Many', '2'],
      ],
    );
  });

  test('leaves out what is about the connection, however it is spelled', () => {
    for (const name of [
      'Host',
      'content-length',
      'EXPECT',
      'Connection',
      'keep-alive',
      'Proxy-Authorization',
      'proxy-connection',
      'TE',
      'te',
      'Trailer',
      'Transfer-Encoding',
      'Upgrade',
    ]) {
      assert.deepEqual(lines([[name, ['x']]]), [], name);
    }
  });

  test('leaves out what Connection names', () => {
    assert.deepEqual(
      lines([
        ['X-One', ['1']],
        ['x-two', ['2']],
        ['X-Three', ['3']],
        ['connection', ['close, x-ONE', 'X-Two ,']],
      ]),
      [['X-Three', '3']],
    );
  });

  test('refuses names and values that HTTP forbids, also in headers that are not sent', () => {
    for (const [name, value] of [
      ['', 'x'],
      ['a b', 'x'],
      ['a:', 'x'],
      ['a\r\nb', 'x'],
      ['\xe9', 'x'],
      ['a', 'x\r\ny: z'],
      ['a', 'x\ny'],
      ['a', 'x\0'],
      ['a', '\x7f'],
      ['Host', 'x\r'],
      ['Connection', '\n'],
    ] as const) {
      assert.throws(() => headers([[name, ['fine', value]]]), code4, JSON.stringify([name, value]));
    }
  });

  test('refuses too many and too long ones', () => {
    const many = Array.from({ length: maxRequestHeaders }, () => 'x');
    assert.doesNotThrow(() => headers([['a', many]]));
    assert.throws(() => headers([['a', [...many, 'x']]]), code4);
    assert.doesNotThrow(() => headers([['a', ['x'.repeat(maxRequestHeaderBytes - 1)]]]));
    assert.throws(() => headers([['a', ['x'.repeat(maxRequestHeaderBytes)]]]), code4);
  });

  test('says who asks, unless the guest does', () => {
    assert.deepEqual(valuesOf('user-agent', []), ['Pulp/1']);
    assert.deepEqual(valuesOf('user-agent', [['user-agent', ['mine']]]), ['mine']);
    assert.deepEqual(valuesOf('user-agent', [['User-Agent', ['']]]), []);
  });

  test('adds the authorization of the URL, unless the guest has its own', () => {
    assert.deepEqual(valuesOf('authorization', [], 'Basic eA=='), ['Basic eA==']);
    assert.deepEqual(valuesOf('authorization', [['authorization', ['Bearer y']]], 'Basic eA=='), [
      'Bearer y',
    ]);
  });

  test('asks for compression, unless the guest does or wants a part', () => {
    const cases: readonly (readonly [given: readonly HeaderField[], value: string, decode: boolean])[] = [
      [[], 'gzip, deflate, br, zstd', true],
      [[['accept-encoding', ['br']]], 'br', false],
      [[['Accept-Encoding', ['']]], '', false],
      [[['Range', ['bytes=0-9']]], 'identity', false],
    ];
    for (const [given, value, decode] of cases) {
      assert.deepEqual(valuesOf('accept-encoding', given), [value]);
      assert.equal(headers(given).decode, decode);
    }
  });
});
