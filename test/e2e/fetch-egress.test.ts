import assert from 'node:assert/strict';
import { suite, test, type TestContext } from 'node:test';
import { guest } from '../../runtime/src/capabilities/http-outbound/guest.ts';
import { type CannedServer, answer, cannedServer } from '../support/canned-server.ts';
import { fetchRequest, replyOf, startFetchHost } from '../support/fetch-guest.ts';
import { guestContext } from '../support/guest-context.ts';
import { until } from '../support/until.ts';

/** Whether a plugin with these options reaches a URL; when not, nothing was connected to. */
async function reaches(
  t: TestContext,
  servers: readonly CannedServer[],
  options: Parameters<typeof startFetchHost>[1],
): Promise<(url: string) => Promise<boolean>> {
  const host = await startFetchHost(t, options);
  const connections = (): number => servers.reduce((sum, server) => sum + server.connections, 0);
  return async (url) => {
    const already = connections();
    const { code } = await host.fetch({ url });
    if (code === 0) return true;
    assert.equal(code, 4, url);
    assert.equal(connections(), already, `${url} was connected to`);
    return false;
  };
}

suite('without -allow-private-network', () => {
  test('a plugin reaches no address of this machine, however it is spelled', async (t) => {
    const server = await cannedServer(t, () => answer('inside'), { host: '::' });
    const reach = await reaches(t, [server], { privateNetwork: false });
    for (const host of [
      '127.0.0.1',
      '127.0.0.2',
      '127.1',
      '0x7f.1',
      '0x7f000001',
      '017700000001',
      '2130706433',
      '127.0.0.1.',
      '%31%32%37.0.0.1',
      'localhost',
      'localhost.',
      'LOCALHOST',
      '0',
      '0.0.0.0',
      '[::1]',
      '[::]',
      '[0:0:0:0:0:0:0:1]',
      '[::ffff:127.0.0.1]',
      '[::ffff:7f00:1]',
      '[::127.0.0.1]',
      '[64:ff9b::7f00:1]',
      '[64:ff9b:1::7f00:1]',
      '[2002:7f00:1::1]',
      'a.example@127.0.0.1',
      'user:password@localhost',
    ]) {
      assert.equal(await reach(`http://${host}:${server.port}/`), false, host);
      assert.equal(await reach(`https://${host}:${server.port}/`), false, host);
    }
    assert.equal(server.connections, 0);
  });

  test('a plugin reaches no metadata service and no private network', async (t) => {
    const host = await startFetchHost(t, { privateNetwork: false });
    for (const name of [
      '169.254.169.254',
      '[fd00:ec2::254]',
      '168.63.129.16',
      '10.0.0.1',
      '192.168.0.1',
      '172.16.0.1',
      '100.64.0.1',
    ]) {
      assert.equal((await host.fetch({ url: `http://${name}/` })).code, 4, name);
      await host.pulp.line('host call refused', {
        reason: `http://${name}: the address is not public: ${kinds[name] ?? 'private'}`,
      });
    }
    const { level, reason } = await host.pulp.line('fetch refused', { origin: 'http://169.254.169.254' });
    assert.deepEqual([level, reason], ['WARN', 'the address is not public: link-local']);
    await host.pulp.alive();
  });

  test('a listed address or range is reached, under any name, on its port', async (t) => {
    const [one, two] = [await cannedServer(t, () => answer('1')), await cannedServer(t, () => answer('2'))];
    const reach = await reaches(t, [one, two], {
      privateNetwork: false,
      options: `allowed_hosts = ["127.0.0.0/8:${one.port}"]`,
    });
    assert.ok(await reach(one.url));
    assert.ok(await reach(`http://localhost:${one.port}/`));
    assert.ok(await reach(`http://[::ffff:7f00:1]:${one.port}/`));
    assert.ok(!(await reach(two.url)));
    assert.ok(!(await reach(`http://[::1]:${one.port}/`)));
  });

  test('a listed name is not enough for a private address', async (t) => {
    const server = await cannedServer(t, () => answer());
    const reach = await reaches(t, [server], {
      privateNetwork: false,
      options: `allowed_hosts = ["localhost:${server.port}"]`,
    });
    assert.ok(!(await reach(`http://localhost:${server.port}/`)));
  });

  test('a redirect leads nowhere that a plugin could not go by itself', async (t) => {
    const inside = await cannedServer(t, () => answer('inside'), { host: '::' });
    let location = '';
    const outside = await cannedServer(t, () =>
      answer('', { status: '307 Elsewhere', headers: [`Location: ${location}`] }),
    );
    const host = await startFetchHost(t, {
      privateNetwork: false,
      options: `allowed_hosts = ["127.0.0.1:${outside.port}"]`,
    });
    for (const name of ['127.0.0.1', 'localhost', '[::1]', '[::ffff:127.0.0.1]', '127.1', '0.0.0.0']) {
      location = `http://${name}:${inside.port}/`;
      assert.equal((await host.fetch({ url: outside.url, method: 'POST', body: 'x' })).code, 4, name);
    }
    for (const elsewhere of ['http://169.254.169.254/latest/', 'file:///etc/passwd', '//10.0.0.1/']) {
      location = elsewhere;
      assert.equal((await host.fetch({ url: outside.url })).code, 4, elsewhere);
    }
    assert.equal(outside.received.length, 9);
    assert.equal(inside.connections, 0);
  });
});

/** Why an address of the test above is refused, where it is not for being private. */
const kinds: Readonly<Record<string, string>> = {
  '169.254.169.254': 'link-local',
  '[fd00:ec2::254]': 'unique-local',
  '168.63.129.16': 'cloud metadata',
  '100.64.0.1': 'shared by a carrier',
};

suite('with -allow-private-network', () => {
  test('a plugin without a list reaches everything', async (t) => {
    const server = await cannedServer(t, () => answer(), { host: '::' });
    const reach = await reaches(t, [server], {});
    for (const host of ['127.0.0.1', 'localhost', '[::1]', '[::ffff:127.0.0.1]']) {
      assert.ok(await reach(`http://${host}:${server.port}/`), host);
    }
  });

  test('a list still holds', async (t) => {
    const server = await cannedServer(t, () => answer());
    const reach = await reaches(t, [server], { options: 'allowed_hosts = ["localhost"]' });
    assert.ok(await reach(`http://localhost:${server.port}/`));
    assert.ok(!(await reach(server.url)));
    const nowhere = await reaches(t, [server], { options: 'allowed_hosts = []' });
    assert.ok(!(await nowhere(server.url)));
  });
});

/** A guest end in this process, whose names are looked up here. */
function fetcher(
  t: TestContext,
  resolve: (hostname: string) => readonly string[],
  scope = new AsyncDisposableStack(),
) {
  const context = guestContext({
    scope,
    options: {
      allowed_hosts: ['127.0.0.1'],
      timeout_ms: 25_000,
      max_body_bytes: 1024,
      max_request_body_bytes: 1024,
      max_redirects: 10,
    },
  });
  t.after(() => scope.disposeAsync());
  const { functions } = guest(context, {
    resolve: (hostname) => Promise.resolve(resolve(hostname).map((address) => ({ address, family: 4 }))),
  });
  return async (url: string): Promise<string> => {
    const bytes = Buffer.from(await functions.http_fetch(fetchRequest({ url })));
    return replyOf({ code: 0, bytes }).body.toString();
  };
}

suite('a name whose addresses change', () => {
  test('is judged again for each connection', async (t) => {
    const allowed = await cannedServer(t, () => answer('allowed', { headers: ['Connection: close'] }));
    const hidden = await cannedServer(t, () => answer('hidden'), { host: '127.0.0.2' });
    const addresses = ['127.0.0.1', '127.0.0.2', '127.0.0.1'];
    const fetchFrom = fetcher(t, () => addresses.splice(0, 1));
    assert.equal(await fetchFrom(`http://name.example:${allowed.port}/`), 'allowed');
    await assert.rejects(fetchFrom(`http://name.example:${hidden.port}/`), /127\.0\.0\.2: allowed_hosts/);
    assert.equal(await fetchFrom(`http://name.example:${allowed.port}/`), 'allowed');
    assert.equal(hidden.connections, 0);
  });

  test('stays where it was judged while its connection lasts, and shares it with no other name', async (t) => {
    const server = await cannedServer(t, ({ headers }) =>
      answer(headers.find(([name]) => name === 'host')?.[1] ?? ''),
    );
    const asked: string[] = [];
    const fetchFrom = fetcher(t, (hostname) => {
      asked.push(hostname);
      return ['127.0.0.1'];
    });
    for (const name of ['one.example', 'one.example', 'two.example', 'one.example']) {
      assert.equal(await fetchFrom(`http://${name}:${server.port}/`), `${name}:${server.port}`);
    }
    assert.deepEqual(asked, ['one.example', 'two.example']);
    assert.equal(server.connections, 2);
  });

  test('costs no more than 64 idle connections', async (t) => {
    const server = await cannedServer(t, () => answer());
    const fetchFrom = fetcher(t, () => ['127.0.0.1']);
    for (let number = 0; number < 70; number++) await fetchFrom(`http://${number}.example:${server.port}/`);
    await until(() => server.open === 64, 'the oldest ones are closed');
    await fetchFrom(`http://0.example:${server.port}/`);
    assert.equal(server.connections, 71);
  });

  test('is connected to at those of its addresses that are allowed', async (t) => {
    const server = await cannedServer(t, () => answer('allowed'));
    const fetchFrom = fetcher(t, () => ['10.1.2.3', '127.0.0.1', '192.168.1.1']);
    assert.equal(await fetchFrom(`http://a.example:${server.port}/`), 'allowed');
  });
});

test('the connections of an instance end with it', { timeout: 60_000 }, async (t) => {
  // No connection is closed for having been idle.
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const closed = Promise.withResolvers<void>();
  const server = await cannedServer(t, ({ socket }) => {
    socket.once('close', () => closed.resolve());
    return answer('fine');
  });
  const scope = new AsyncDisposableStack();
  const fetchFrom = fetcher(t, () => ['127.0.0.1'], scope);
  assert.equal(await fetchFrom(`http://a.example:${server.port}/`), 'fine');
  await scope.disposeAsync();
  await closed.promise;
});
