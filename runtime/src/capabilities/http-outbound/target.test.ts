import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { Failure } from '../../ext.ts';
import { destinationOf, maxUrlBytes, parseTarget, requestPath } from './target.ts';

function refused(text: string, base?: URL): void {
  assert.throws(
    () => parseTarget(text, base),
    (error) => error instanceof Failure && error.code === 4,
    JSON.stringify(text.slice(0, 100)),
  );
}

const binary = (text: string): string => Buffer.from(text).toString('latin1');

function port(text: string): number {
  return destinationOf(parseTarget(text).url).port;
}

/** What the authorization of a URL encodes, a binary string. */
function basic(text: string): string | undefined {
  const [, encoded] = /^Basic (.*)$/.exec(parseTarget(text).authorization ?? '') ?? [];
  return encoded === undefined ? undefined : Buffer.from(encoded, 'base64').toString('latin1');
}

suite('parseTarget', () => {
  test('refuses what is no URL to fetch', () => {
    for (const text of [
      '',
      '/path',
      'example.org',
      'ftp://a.example/',
      'file:///etc/passwd',
      'unix:/var/run/docker.sock',
      'http+unix://%2Fvar%2Frun%2Fdocker.sock/',
      'data:text/plain,x',
      'javascript:1',
      'ws://a.example/',
      'http://',
      'http:///',
      'http://a b/',
      'http://a.example:99999/',
      'http://a.example:0/',
      'http://a.example:x/',
      'http://[::1',
      'http://[fe80::1%25eth0]/',
      'http://1.2.3.4.5/',
      'http://256.0.0.1/',
    ]) {
      refused(text);
    }
  });

  test('refuses control characters, which a URL would drop', () => {
    for (const text of [
      'http://a.exa\nmple/',
      'http://a.example/\r\nX: y',
      'http://a.example/\t',
      'http://a\u0000b/',
      'http://a/\u007f',
    ]) {
      refused(text);
    }
  });

  test('refuses a URL that is too long, also once it is encoded', () => {
    refused(`http://a.example/${'x'.repeat(maxUrlBytes)}`);
    refused(`http://a.example/${'\xff'.repeat(maxUrlBytes / 2)}`);
    assert.doesNotThrow(() => parseTarget(`http://a.example/${'x'.repeat(maxUrlBytes - 17)}`));
  });

  test('folds every spelling of an address', () => {
    for (const [text, hostname] of [
      ['http://127.1/', '127.0.0.1'],
      ['http://0x7f.1/', '127.0.0.1'],
      ['http://2130706433/', '127.0.0.1'],
      ['http://0177.0.0.1/', '127.0.0.1'],
      ['http://127.0.0.1./', '127.0.0.1'],
      ['http://%31%32%37.0.0.1/', '127.0.0.1'],
      [binary('http://１２７.0.0.1/'), '127.0.0.1'],
      [binary('http://127。0。0。1/'), '127.0.0.1'],
      ['http://[::FFFF:127.0.0.1]/', '::ffff:7f00:1'],
      ['http://LOCALHOST/', 'localhost'],
      [binary('http://bücher.example/'), 'xn--bcher-kva.example'],
      ['http://a.example\\@b.example/', 'a.example'],
      ['http://a.example@b.example/', 'b.example'],
    ] as const) {
      assert.equal(destinationOf(parseTarget(text).url).hostname, hostname, text);
    }
  });

  test('knows the ports', () => {
    assert.deepEqual([port('http://a/'), port('https://a/'), port('http://a:443/')], [80, 443, 443]);
  });

  test('keeps the bytes of path and query', () => {
    for (const [text, path] of [
      ['http://a.example', '/'],
      ['http://a.example/?', '/?'],
      ['http://a.example?x=1', '/?x=1'],
      ['http://a.example/a%2Fb?x=%00+%zz#part', '/a%2Fb?x=%00+%zz'],
      ["http://a.example/a b;c,d='e'?f g", "/a%20b;c,d='e'?f%20g"],
      ['http://a.example/\xff?\xfe', '/%FF?%FE'],
      [binary('http://a.example/ü'), '/%C3%BC'],
      ['http://a.example//b//', '//b//'],
    ] as const) {
      assert.equal(requestPath(parseTarget(text).url), path, text);
    }
  });

  test('makes Basic authorization of user and password, byte by byte', () => {
    assert.equal(basic('http://user:pass@a.example/'), 'user:pass');
    assert.equal(basic('http://user@a.example/'), 'user:');
    assert.equal(basic('http://:pass@a.example/'), ':pass');
    assert.equal(basic('http://us%3Aer:p%40%2Fss:@a.example/'), 'us:er:p@/ss:');
    assert.equal(basic('http://\xff:%FE%zz@a.example/'), '\xff:\xfe%zz');
    assert.equal(basic('http://a.example/'), undefined);
    assert.equal(basic('http://@a.example/'), undefined);
    const { url } = parseTarget('http://user:pass@a.example/x');
    assert.equal(url.href, 'http://a.example/x');
  });

  test('says nothing of what is secret', () => {
    for (const text of [
      'http://user:secret@[',
      'secret://user:secret@a.example/',
      'http://user:secret@a.example:0/?secret',
    ]) {
      assert.throws(
        () => parseTarget(text),
        (error) => error instanceof Failure && !/user|@/.test(error.message),
      );
    }
  });
});
