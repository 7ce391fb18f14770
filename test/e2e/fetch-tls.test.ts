import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { before, suite, test, type TestContext } from 'node:test';
import type { TLSSocket, TlsOptions } from 'node:tls';
import { type CannedServer, answer, cannedServer } from '../support/canned-server.ts';
import { Authority, type Pair } from '../support/certificate-authority.ts';
import { type FetchHost, type FetchHostOptions, replyOf, startFetchHost } from '../support/fetch-guest.ts';
import { suiteScope } from '../support/scope.ts';
import { until } from '../support/until.ts';

function set(name: string, value: string | undefined): void {
  if (value === undefined) delete process.env[name];
  else process.env[name] = value;
}

/** A host in an environment of its own. */
async function hostIn(
  t: TestContext,
  environment: Readonly<Record<string, string>>,
  options: FetchHostOptions = {},
): Promise<FetchHost> {
  const changed = { SSL_CERT_FILE: undefined, NODE_EXTRA_CA_CERTS: undefined, ...environment };
  const kept = Object.keys(changed).map((name) => [name, process.env[name]] as const);
  for (const [name, value] of Object.entries(changed)) set(name, value);
  try {
    return await startFetchHost(t, options);
  } finally {
    for (const [name, value] of kept) set(name, value);
  }
}

suite('a fetch by https', () => {
  const scope = suiteScope();
  let authority: Authority;
  let pair: Pair;
  let server: CannedServer;
  before(async () => {
    authority = await Authority.create(scope);
    pair = await authority.issue({ names: 'DNS:localhost,IP:127.0.0.1' });
    server = await serving(pair);
  });

  function serving(tls: TlsOptions): Promise<CannedServer> {
    return cannedServer(scope, ({ socket }) => answer((socket as TLSSocket).getProtocol() ?? ''), { tls });
  }

  for (const variable of ['SSL_CERT_FILE', 'NODE_EXTRA_CA_CERTS']) {
    test(`trusts the certificates of ${variable}`, async (t) => {
      const host = await hostIn(t, { [variable]: authority.file });
      for (const name of ['127.0.0.1', 'localhost']) {
        const reply = replyOf(await host.fetch({ url: `https://${name}:${server.port}/` }));
        assert.equal(reply.body.toString(), 'TLSv1.3', name);
      }
    });
  }

  test('trusts nobody else, whatever the environment says', async (t) => {
    const host = await hostIn(t, { NODE_TLS_REJECT_UNAUTHORIZED: '0' });
    const already = server.received.length;
    assert.equal((await host.fetch({ url: server.url })).code, 4);
    assert.equal(server.received.length, already);
    await host.pulp.alive();
  });

  test('refuses certificates that do not hold, and servers that speak something else', async (t) => {
    const host = await hostIn(t, { SSL_CERT_FILE: authority.file });
    const other = await Authority.create(t);
    const old = { ...pair, maxVersion: 'TLSv1.1', minVersion: 'TLSv1', ciphers: 'ALL:@SECLEVEL=0' } as const;
    for (const [name, bad] of [
      ['another name', await serving(await authority.issue({ names: 'DNS:a.example' }))],
      ['another authority', await serving(await other.issue({ names: 'IP:127.0.0.1' }))],
      ['expired', await serving(await authority.issue({ names: 'IP:127.0.0.1', days: -1 }))],
      ['TLS 1.1', await serving(old)],
    ] as const) {
      assert.equal((await host.fetch({ url: `https://127.0.0.1:${bad.port}/` })).code, 4, name);
      assert.equal(bad.received.length, 0, name);
    }
    // It answers what it cannot read with 400.
    const plain = createServer().listen(0, '127.0.0.1');
    await once(plain, 'listening');
    t.after(() => plain.close());
    const address = plain.address();
    assert.ok(typeof address === 'object' && address !== null);
    assert.equal((await host.fetch({ url: `https://127.0.0.1:${address.port}/` })).code, 4, 'not TLS');
    assert.equal((await host.fetch({ url: `http://127.0.0.1:${server.port}/` })).code, 4, 'not https');
    const two = await serving({ ...pair, maxVersion: 'TLSv1.2' });
    assert.equal(replyOf(await host.fetch({ url: two.url })).body.toString(), 'TLSv1.2');
  });

  test('uses its connection again', async (t) => {
    const host = await hostIn(t, { SSL_CERT_FILE: authority.file });
    const own = await serving(pair);
    for (let count = 0; count < 5; count++) assert.equal((await host.fetch({ url: own.url })).code, 0);
    assert.equal(own.connections, 1);
  });

  test('ends at its deadline while a server says nothing', async (t) => {
    const host = await hostIn(t, { SSL_CERT_FILE: authority.file });
    const silent = await cannedServer(t, () => undefined);
    const { code } = await host.fetch({ url: `https://127.0.0.1:${silent.port}/`, timeout: 100_000_000 });
    assert.equal(code, 4);
    await host.pulp.line('host call refused', {
      reason: `https://127.0.0.1:${silent.port}: it was not over after 100 ms`,
    });
    await until(() => silent.open === 0, 'the connection is closed');
  });

  test('says which file of certificates it could not read', async (t) => {
    const host = await hostIn(t, { SSL_CERT_FILE: '/nowhere/ca.pem' });
    assert.equal((await host.fetch({ url: server.url })).code, 4);
    await host.pulp.line('certificates not read', { file: '/nowhere/ca.pem' });
  });
});
