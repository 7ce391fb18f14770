import assert from 'node:assert/strict';
import { before, suite, test } from 'node:test';
import {
  type CannedServer,
  type Received,
  answer,
  cannedServer,
  headerOf,
} from '../support/canned-server.ts';
import { type FetchHost, type FetchRequest, replyOf, startFetchHost } from '../support/fetch-guest.ts';
import { suiteScope } from '../support/scope.ts';
import { until } from '../support/until.ts';

function redirect(status: number, location: string, body = ''): Buffer {
  return answer(body, { status: `${status} Elsewhere`, headers: [`Location: ${location}`] });
}

const secrets = [
  ['Authorization', 'Bearer x'],
  ['cookie', 'a=b'],
  ['X-Other', '1'],
] as const;

suite('redirects', () => {
  const scope = suiteScope();
  let host: FetchHost;
  let server: CannedServer;
  let other: CannedServer;
  before(async () => {
    other = await cannedServer(scope, ({ target }) => {
      const [, status, location] = /^\/(\d{3})\/(.*)$/.exec(target) ?? [];
      return status === undefined
        ? answer('other')
        : redirect(Number(status), decodeURIComponent(location ?? ''));
    });
    server = await cannedServer(scope, ({ target, socket }) => {
      const [, status, location] = /^\/(\d{3})\/(.*)$/.exec(target) ?? [];
      if (status !== undefined)
        return redirect(Number(status), decodeURIComponent(location ?? ''), 'not here');
      const count = /^\/count\/(\d+)$/.exec(target)?.[1];
      if (count !== undefined && count !== '0') return redirect(302, `/count/${Number(count) - 1}`);
      if (target === '/loop') return redirect(302, '/loop');
      if (target === '/large') return redirect(302, '/end', 'x'.repeat(1024 * 1024));
      if (target === '/endless') {
        socket.write('HTTP/1.1 302 Found\r\nLocation: /end\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n');
        return undefined;
      }
      if (target === '/nowhere') return answer('nowhere', { status: '302 Found' });
      if (target === '/twice') {
        return answer('', { status: '302 Found', headers: ['Location: /first', 'Location: /second'] });
      }
      return answer(target);
    });
    host = await startFetchHost(scope);
  });

  /** The requests that one fetch leads to, and its reply. */
  async function journey(request: FetchRequest, away: CannedServer = server) {
    const [own, others] = [server.received.length, away.received.length];
    const reply = replyOf(await host.fetch(request));
    const received: readonly Received[] = [
      ...server.received.slice(own),
      ...(away === server ? [] : away.received.slice(others)),
    ];
    return { reply, received };
  }

  for (const status of [301, 302, 303]) {
    test(`${status} turns a POST into a GET without its body`, async () => {
      const { reply, received } = await journey({
        url: `${server.url}/${status}/%2Fend`,
        method: 'POST',
        headers: [
          ['Content-Type', 'text/plain'],
          ['X-Other', '1'],
        ],
        body: 'body',
      });
      assert.equal(reply.body.toString(), '/end');
      assert.equal(reply.headers.get('Location'), undefined);
      const [first, second] = received;
      assert.deepEqual([first?.method, first?.body.toString()], ['POST', 'body']);
      assert.ok(second !== undefined && received.length === 2);
      assert.deepEqual([second.method, second.body.length], ['GET', 0]);
      assert.equal(headerOf(second, 'content-type'), undefined);
      assert.equal(headerOf(second, 'content-length'), undefined);
      assert.equal(headerOf(second, 'x-other'), '1');
    });

    test(`${status} leaves HEAD what it is`, async () => {
      const { received } = await journey({ url: `${server.url}/${status}/%2Fend`, method: 'HEAD' });
      assert.deepEqual(
        received.map(({ method }) => method),
        ['HEAD', 'HEAD'],
      );
    });
  }

  for (const status of [307, 308]) {
    test(`${status} repeats method, headers and body`, async () => {
      const { received } = await journey({
        url: `${server.url}/${status}/%2Fend`,
        method: 'PUT',
        headers: [['Content-Type', 'text/plain']],
        body: 'body',
      });
      for (const each of received) {
        assert.deepEqual([each.method, each.body.toString()], ['PUT', 'body']);
        assert.equal(headerOf(each, 'content-type'), 'text/plain');
      }
      assert.equal(received.length, 2);
    });
  }

  test('are relative to where they come from, without their fragment', async () => {
    for (const [location, target] of [
      ['end?x#y', '/a/end?x'],
      ['../end', '/end'],
      ['?x', '/a/b?x'],
      ['/\xe4', '/%E4'],
    ] as const) {
      const away = await cannedServer(scope, (request) =>
        request.target === '/a/b' ? redirect(302, location) : answer(request.target),
      );
      assert.equal(replyOf(await host.fetch({ url: `${away.url}/a/b` })).body.toString(), target);
    }
  });

  test('of other statuses, and without a location, are answers', async () => {
    for (const status of [300, 304, 305, 306]) {
      const { reply, received } = await journey({ url: `${server.url}/${status}/%2Fend` });
      assert.deepEqual([reply.status, received.length], [status, 1]);
    }
    const { reply } = await journey({ url: `${server.url}/nowhere` });
    assert.deepEqual([reply.status, reply.body.toString()], [302, 'nowhere']);
  });

  test('take the first of two locations', async () => {
    assert.equal((await journey({ url: `${server.url}/twice` })).reply.body.toString(), '/first');
  });

  test('take Authorization and Cookie along on the same host', async () => {
    const { received } = await journey({ url: `${server.url}/302/%2Fend`, headers: secrets });
    for (const each of received) {
      for (const [name, value] of secrets) assert.equal(headerOf(each, name), value, name);
    }
    const basic = await journey({ url: `http://u:p@127.0.0.1:${server.port}/302/%2Fend` });
    assert.equal(basic.received.length, 2);
    for (const each of basic.received) assert.equal(headerOf(each, 'authorization'), `Basic ${btoa('u:p')}`);
  });

  test('do not take Authorization and Cookie to another host, nor back from there', async () => {
    const home = encodeURIComponent(`http://127.0.0.1:${server.port}/end`);
    const away = encodeURIComponent(`http://localhost:${other.port}/307/${home}`);
    const { received } = await journey(
      { url: `${server.url}/307/${away}`, method: 'POST', headers: secrets, body: 'body' },
      other,
    );
    assert.equal(received.length, 3);
    const [first, ...later] = received;
    assert.ok(first !== undefined);
    assert.equal(headerOf(first, 'cookie'), 'a=b');
    for (const each of later) {
      assert.equal(headerOf(each, 'authorization'), undefined);
      assert.equal(headerOf(each, 'cookie'), undefined);
      assert.equal(headerOf(each, 'x-other'), '1');
      assert.equal(each.body.toString(), 'body');
    }
  });

  test('do not take user and password to another host', async () => {
    const away = encodeURIComponent(`http://localhost:${other.port}/end`);
    const { received } = await journey({ url: `http://u:p@127.0.0.1:${server.port}/302/${away}` }, other);
    assert.equal(received.length, 2);
    assert.deepEqual(
      received.map((each) => headerOf(each, 'authorization')),
      [`Basic ${btoa('u:p')}`, undefined],
    );
  });

  test('are followed ten times and no more', async () => {
    assert.equal((await journey({ url: `${server.url}/count/10` })).received.length, 11);
    const already = server.received.length;
    assert.equal((await host.fetch({ url: `${server.url}/count/11` })).code, 4);
    assert.equal((await host.fetch({ url: `${server.url}/loop` })).code, 4);
    assert.equal(server.received.length, already + 22);
  });

  test('to what cannot be fetched are code 4', async () => {
    for (const location of ['file:///etc/passwd', 'http://', 'http://127.0.0.1:1/', 'http://name.invalid/']) {
      const url = `${server.url}/302/${encodeURIComponent(location)}`;
      assert.equal((await host.fetch({ url })).code, 4, location);
    }
  });

  test('keep their connection when their body is small, and cost it when it is large or has no end', async () => {
    const away = await cannedServer(scope, ({ target, socket }) => {
      if (target === '/end') return answer('end');
      if (target !== '/endless') return redirect(302, '/end', 'x'.repeat(Number(target.slice(1))));
      socket.write('HTTP/1.1 302 Found\r\nLocation: /end\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n');
      return undefined;
    });
    for (const target of ['/0', '/100', '/1000']) {
      assert.equal((await host.fetch({ url: away.url + target })).code, 0);
    }
    assert.equal(away.connections, 1);
    for (const target of [`/${8 * 1024 * 1024}`, '/endless']) {
      assert.equal((await host.fetch({ url: away.url + target })).code, 0);
      const [socket] = away.received.slice(-2).map((request) => request.socket);
      await until(() => socket?.destroyed === true, `${target} is closed`);
    }
  });

  test('that cannot be followed leave nothing behind, whatever their body is', async () => {
    for (const location of ['file:///etc/passwd', '/endless']) {
      const away = await cannedServer(scope, ({ socket }) => {
        const head = `HTTP/1.1 302 Found\r\nLocation: ${location}\r\nTransfer-Encoding: chunked\r\n\r\n`;
        socket.write(`${head}1\r\nx\r\n`);
        return undefined;
      });
      assert.equal((await host.fetch({ url: `${away.url}/endless` })).code, 4);
      await until(() => away.open === 0, `nothing is open behind ${location}`);
    }
  });

  test('are followed whatever their own body is', async () => {
    for (const target of ['/large', '/endless']) {
      assert.equal((await journey({ url: server.url + target })).reply.body.toString(), '/end', target);
    }
  });
});

test('max_redirects = 0 gives redirects as answers', async (t) => {
  const server = await cannedServer(t, () => redirect(302, '/end', 'not here'));
  const host = await startFetchHost(t, { options: 'max_redirects = 0' });
  const reply = replyOf(await host.fetch({ url: server.url }));
  assert.deepEqual([reply.status, reply.headers.get('Location')], [302, '/end']);
  assert.equal(reply.body.toString(), 'not here');
});

test('max_redirects counts', async (t) => {
  const server = await cannedServer(t, ({ target }) => redirect(302, `${target}x`));
  const host = await startFetchHost(t, { options: 'max_redirects = 2' });
  assert.equal((await host.fetch({ url: server.url })).code, 4);
  assert.equal(server.received.length, 3);
});
