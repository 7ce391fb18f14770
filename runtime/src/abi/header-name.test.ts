import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { canonicalHeaderName, HeaderNames, isHeaderName, isHeaderValue, maxNames } from './header-name.ts';

suite('canonicalHeaderName', () => {
  const cases: readonly (readonly [string, string])[] = [
    ['content-type', 'Content-Type'],
    ['CONTENT-TYPE', 'Content-Type'],
    ['Content-Type', 'Content-Type'],
    ['x-request-id', 'X-Request-Id'],
    ['ETag', 'Etag'],
    ['WWW-Authenticate', 'Www-Authenticate'],
    ['sec-websocket-key', 'Sec-Websocket-Key'],
    ['x-mY-own', 'X-My-Own'],
    ['-a--b-', '-A--B-'],
    ['x-1st', 'X-1st'],
    ['x_y.z', 'X_y.z'],
    ["x!#$%&'*+.^`|~", "X!#$%&'*+.^`|~"],
    ['__proto__', '__proto__'],
    ['constructor', 'Constructor'],
    [`x-${'AB'.repeat(100)}`, `X-Ab${'ab'.repeat(99)}`],
  ];
  for (const [name, expected] of cases) {
    test(`${JSON.stringify(name.slice(0, 30))} becomes ${expected.slice(0, 30)}`, () => {
      assert.equal(canonicalHeaderName(name), expected);
      assert.equal(canonicalHeaderName(name), expected, 'when it is remembered');
    });
  }

  test('a name that is not a token stays as it is', () => {
    for (const name of ['', 'content type', 'content-type\r\n', 'a:b', 'caf\xe9', 'a\0', '\u{10ffff}-a']) {
      assert.equal(canonicalHeaderName(name), name);
    }
  });
});

suite('HeaderNames', () => {
  test('a flood of names does not grow it past its limit', () => {
    const names = new HeaderNames();
    let largest = 0;
    for (let index = 0; index < 10_000; index++) {
      assert.equal(names.canonical(`x-flood-${index}`), `X-Flood-${index}`);
      largest = Math.max(largest, names.size);
    }
    assert.equal(largest, maxNames);
  });

  test('common names, long names and names that are no tokens take no room', () => {
    const names = new HeaderNames();
    const { size } = names;
    for (const name of ['content-type', 'User-Agent', `x-${'a'.repeat(63)}`, 'not a token'])
      names.canonical(name);
    assert.equal(names.size, size);
    names.canonical(`x-${'a'.repeat(62)}`);
    assert.equal(names.size, size + 1);
  });
});

suite('isHeaderName', () => {
  test('exactly the token characters are allowed', () => {
    for (let code = 0; code < 300; code++) {
      const character = String.fromCharCode(code);
      assert.equal(
        isHeaderName(`a${character}`),
        /[!#$%&'*+\-.^_`|~0-9A-Za-z]/.test(character),
        `character ${code}`,
      );
    }
  });

  test('an empty name is refused', () => assert.equal(isHeaderName(''), false));
});

suite('isHeaderValue', () => {
  test('control characters but tab, DEL and what is no byte are refused', () => {
    for (let code = 0; code < 300; code++) {
      const allowed = code === 9 || (code >= 0x20 && code !== 0x7f && code <= 0xff);
      assert.equal(isHeaderValue(`a${String.fromCharCode(code)}b`), allowed, `character ${code}`);
    }
  });

  test('an empty value and blanks at the ends are allowed', () => {
    assert.ok(isHeaderValue(''));
    assert.ok(isHeaderValue(' \ta b\t '));
  });
});
