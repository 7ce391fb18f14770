import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { Failure } from '../../ext.ts';
import { type Hop, follow, isRedirect } from './redirect.ts';

const body = Buffer.from('body');

function hop(given: Partial<Hop> & { readonly at?: string } = {}): Hop {
  return {
    url: new URL(given.at ?? 'http://a.example/x/y?z'),
    method: 'POST',
    headers: [
      ['Content-Type', 'text/plain'],
      ['content-language', 'en'],
      ['X-Other', '1'],
      ['authorization', 'Bearer x'],
      ['Cookie', 'a=b'],
    ],
    body,
    ...given,
  };
}

const names = ({ headers }: Hop): readonly string[] => headers.map(([name]) => name);

test('isRedirect knows the statuses that are followed', () => {
  const followed = Array.from({ length: 600 }, (_none, status) => status).filter(isRedirect);
  assert.deepEqual(followed, [301, 302, 303, 307, 308]);
});

/** Whether a redirect takes `Authorization` and `Cookie` along: both or none. */
function kept(at: string, location: string): boolean {
  const next = new Set(names(follow(hop({ at }), 307, location)).map((name) => name.toLowerCase()));
  assert.equal(next.has('cookie'), next.has('authorization'));
  assert.ok(next.has('x-other'));
  return next.has('cookie');
}

function authorization(location: string): string | undefined {
  const { headers } = follow(hop(), 302, location);
  return headers.find(([name]) => name.toLowerCase() === 'authorization')?.[1];
}

suite('follow', () => {
  for (const status of [301, 302, 303]) {
    test(`${status} makes every method but HEAD a GET without a body`, () => {
      for (const method of ['POST', 'PUT', 'DELETE', 'GET', 'PATCH']) {
        const next = follow(hop({ method }), status, '/next');
        assert.equal(next.method, 'GET');
        assert.equal(next.body.length, 0);
        assert.deepEqual(names(next), ['X-Other', 'authorization', 'Cookie']);
      }
      assert.equal(follow(hop({ method: 'HEAD' }), status, '/next').method, 'HEAD');
    });
  }

  for (const status of [307, 308]) {
    test(`${status} keeps method, body and its headers`, () => {
      for (const method of ['POST', 'PUT', 'DELETE', 'GET', 'HEAD']) {
        const next = follow(hop({ method }), status, '/next');
        assert.equal(next.method, method);
        assert.equal(next.body, body);
        assert.deepEqual(names(next), names(hop()));
      }
    });
  }

  test('resolves relative locations', () => {
    for (const [location, url] of [
      ['/next', 'http://a.example/next'],
      ['next', 'http://a.example/x/next'],
      ['../next?q', 'http://a.example/next?q'],
      ['?q', 'http://a.example/x/y?q'],
      ['//b.example/c', 'http://b.example/c'],
      ['https://b.example:8443/c#part', 'https://b.example:8443/c'],
      ['', 'http://a.example/x/y?z'],
      ['#part', 'http://a.example/x/y?z'],
      ['/\xe4', 'http://a.example/%E4'],
    ] as const) {
      assert.equal(follow(hop(), 302, location).url.href, url, location);
    }
  });

  test('refuses locations that cannot be fetched', () => {
    for (const location of [
      'file:///etc/passwd',
      'gopher://a/',
      'http://',
      'http://a:0/',
      'http://[/',
      '/a\tb',
    ]) {
      assert.throws(
        () => follow(hop(), 302, location),
        (error) => error instanceof Failure && error.code === 4,
        location,
      );
    }
  });

  test('keeps Authorization and Cookie on the same host only', () => {
    assert.ok(kept('http://a.example/', '/next'));
    assert.ok(kept('http://a.example/', 'http://A.example:80/next'));
    assert.ok(kept('http://a.example/', 'https://a.example/next'));
    assert.ok(!kept('https://a.example/', 'http://a.example/next'), 'in the clear');
    assert.ok(!kept('https://a.example:8443/', 'http://a.example:8443/next'), 'in the clear');
    assert.ok(!kept('http://a.example/', 'http://b.example/next'));
    assert.ok(!kept('http://a.example/', 'http://x.a.example/next'));
    assert.ok(!kept('http://x.a.example/', 'http://a.example/next'));
    assert.ok(!kept('http://a.example/', 'http://a.example:8080/next'));
    assert.ok(!kept('http://a.example/', '//b.example/next'));
  });

  test('does not give them back when the way leads home', () => {
    const away = follow(hop(), 307, 'http://b.example/');
    assert.ok(!names(follow(away, 307, 'http://a.example/')).includes('Cookie'));
  });

  test('takes user and password of a location, unless there is an authorization', () => {
    assert.equal(authorization('http://u:p@b.example/'), `Basic ${btoa('u:p')}`);
    assert.equal(authorization('http://u:p@a.example/'), 'Bearer x');
  });
});
