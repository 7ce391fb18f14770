import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { parseAllowedHost } from './allowed-host.ts';
import { EgressPolicy } from './egress-policy.ts';

function policy(entries: readonly string[] | undefined, allowPrivateNetwork = false): EgressPolicy {
  return new EgressPolicy({ allowedHosts: entries?.map(parseAllowedHost), allowPrivateNetwork });
}

interface Case {
  readonly entries?: readonly string[];
  readonly privateNetwork?: boolean;
  readonly host: string;
  readonly port?: number;
  readonly address: string;
}

/** What the host would do: nothing is connected to unless both agree. */
function allows({ entries, privateNetwork, host, port = 443, address }: Case): boolean {
  const judge = policy(entries, privateNetwork);
  const destination = { hostname: host, port };
  return (
    judge.refusesHost(destination) === undefined && judge.refusesAddress(destination, address) === undefined
  );
}

suite('without a list', () => {
  test('public addresses are allowed, and others are not', () => {
    assert.ok(allows({ host: 'a.example', address: '93.184.216.34' }));
    assert.ok(allows({ host: 'a.example', address: '2606:4700::1' }));
    for (const address of [
      '127.0.0.1',
      '10.0.0.1',
      '::1',
      'fd00::1',
      '::ffff:10.0.0.1',
      'fe80::1%eth0',
      'x',
    ]) {
      assert.ok(!allows({ host: 'a.example', address }), address);
    }
  });

  test('the operator can allow the others', () => {
    assert.ok(allows({ host: 'localhost', address: '127.0.0.1', privateNetwork: true }));
    assert.ok(allows({ host: 'metadata', address: '169.254.169.254', privateNetwork: true }));
  });
});

suite('with a list', () => {
  const open = '93.184.216.34';

  test('an empty one allows nothing', () => {
    assert.ok(!allows({ entries: [], host: 'a.example', address: open }));
    assert.ok(!allows({ entries: [], host: 'a.example', address: '127.0.0.1', privateNetwork: true }));
  });

  test('a name allows that host, on any port or its own', () => {
    const entries = ['a.example', 'b.example:8443'];
    assert.ok(allows({ entries, host: 'a.example', port: 1, address: open }));
    assert.ok(allows({ entries, host: 'a.example.', address: open }), 'a dot at the end is the same host');
    assert.ok(allows({ entries, host: 'b.example', port: 8443, address: open }));
    assert.ok(!allows({ entries, host: 'b.example', port: 443, address: open }));
    for (const host of ['example', 'x.a.example', 'aa.example', 'a.example.org', 'c.example']) {
      assert.ok(!allows({ entries, host, address: open }), host);
    }
  });

  test('*.name allows its subdomains and not itself', () => {
    const entries = ['*.a.example'];
    for (const host of ['x.a.example', 'x.y.a.example', 'x.a.example.']) {
      assert.ok(allows({ entries, host, address: open }), host);
    }
    for (const host of ['a.example', 'xa.example', 'x.a.example.org']) {
      assert.ok(!allows({ entries, host, address: open }), host);
    }
  });

  test('a listed name does not make its private address allowed', () => {
    const entries = ['a.example'];
    assert.ok(!allows({ entries, host: 'a.example', address: '10.0.0.1' }));
    assert.ok(allows({ entries, host: 'a.example', address: '10.0.0.1', privateNetwork: true }));
    assert.ok(allows({ entries: ['a.example', '10.0.0.0/8'], host: 'a.example', address: '10.0.0.1' }));
    assert.ok(!allows({ entries: ['a.example', '10.0.0.0/8:80'], host: 'a.example', address: '10.0.0.1' }));
  });

  test('an address or a range allows what is in it, under any name, on any port or its own', () => {
    const entries = ['10.0.0.0/8', '127.0.0.1:8080', '[fd00::1]:443', '93.184.216.0/24'];
    assert.ok(allows({ entries, host: '10.1.2.3', address: '10.1.2.3' }));
    assert.ok(allows({ entries, host: 'db.internal', address: '10.1.2.3' }));
    assert.ok(allows({ entries, host: 'a.example', address: open }));
    assert.ok(allows({ entries, host: 'localhost', port: 8080, address: '127.0.0.1' }));
    assert.ok(!allows({ entries, host: 'localhost', port: 8081, address: '127.0.0.1' }));
    assert.ok(!allows({ entries, host: 'localhost', port: 8080, address: '127.0.0.2' }));
    assert.ok(allows({ entries, host: 'fd00::1', address: 'fd00::1' }));
    assert.ok(!allows({ entries, host: 'fd00::1', port: 80, address: 'fd00::1' }));
    assert.ok(!allows({ entries, host: 'a.example', address: '1.1.1.1' }));
    assert.ok(!allows({ entries, host: 'a.example', address: '1.1.1.1', privateNetwork: true }));
  });

  test('a range covers every form of its addresses', () => {
    const entries = ['127.0.0.0/8'];
    for (const address of ['::ffff:127.0.0.1', '::ffff:7f00:1', '64:ff9b::7f00:1', '2002:7f00:1::1']) {
      assert.ok(allows({ entries, host: 'a.example', address }), address);
    }
    // Its server is somewhere else.
    assert.ok(!allows({ entries, host: 'a.example', address: '2001:0:a00:1:0:0:80ff:fffe' }));
  });

  test('a name that no entry can have is refused before it is looked up', () => {
    const destination = { hostname: 'b.example', port: 443 };
    assert.notEqual(policy(['a.example']).refusesHost(destination), undefined);
    assert.notEqual(policy(['a.example', '10.0.0.0/8:80']).refusesHost(destination), undefined);
    assert.equal(policy(['a.example', '10.0.0.0/8']).refusesHost(destination), undefined);
    assert.equal(policy(['b.example']).refusesHost(destination), undefined);
    assert.equal(policy(undefined).refusesHost(destination), undefined);
  });
});

test('a refusal says why', () => {
  const destination = { hostname: 'a.example', port: 443 };
  assert.equal(
    policy(undefined).refusesAddress(destination, '127.0.0.1'),
    'the address is not public: loopback',
  );
  assert.equal(policy([]).refusesHost(destination), 'allowed_hosts does not have it');
});
