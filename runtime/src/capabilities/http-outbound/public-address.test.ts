import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { type Address, parseAddress } from './address.ts';
import { embedded, notPublic } from './public-address.ts';

function address(text: string): Address {
  const parsed = parseAddress(text);
  assert.ok(parsed !== undefined, `${text} is an address`);
  return parsed;
}

suite('notPublic', () => {
  /** First and last address of each range that is not public, and what it is called. */
  const ranges: readonly (readonly [first: string, last: string, kind: string])[] = [
    ['0.0.0.0', '0.255.255.255', 'unspecified'],
    ['10.0.0.0', '10.255.255.255', 'private'],
    ['100.64.0.0', '100.127.255.255', 'shared by a carrier'],
    ['127.0.0.0', '127.255.255.255', 'loopback'],
    ['169.254.0.0', '169.254.255.255', 'link-local'],
    ['172.16.0.0', '172.31.255.255', 'private'],
    ['192.0.0.0', '192.0.0.255', 'reserved'],
    ['192.0.2.0', '192.0.2.255', 'for documentation'],
    ['192.88.99.0', '192.88.99.255', 'reserved'],
    ['192.168.0.0', '192.168.255.255', 'private'],
    ['198.18.0.0', '198.19.255.255', 'for benchmarks'],
    ['198.51.100.0', '198.51.100.255', 'for documentation'],
    ['203.0.113.0', '203.0.113.255', 'for documentation'],
    ['224.0.0.0', '239.255.255.255', 'multicast'],
    ['240.0.0.0', '255.255.255.254', 'reserved'],
    ['255.255.255.255', '255.255.255.255', 'broadcast'],
    ['168.63.129.16', '168.63.129.16', 'cloud metadata'],
    ['::', '::', 'unspecified'],
    ['::1', '::1', 'loopback'],
    ['64:ff9b:1::', '64:ff9b:1:ffff:ffff:ffff:ffff:ffff', ''],
    ['100::', '100::ffff:ffff:ffff:ffff', 'reserved'],
    ['2001:1::', '2001:1ff:ffff:ffff:ffff:ffff:ffff:ffff', 'reserved'],
    ['2001:db8::', '2001:db8:ffff:ffff:ffff:ffff:ffff:ffff', 'for documentation'],
    ['3fff::', '3fff:fff:ffff:ffff:ffff:ffff:ffff:ffff', 'for documentation'],
    ['5f00::', '5f00:ffff:ffff:ffff:ffff:ffff:ffff:ffff', 'reserved'],
    ['fc00::', 'fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff', 'unique-local'],
    ['fe80::', 'febf:ffff:ffff:ffff:ffff:ffff:ffff:ffff', 'link-local'],
    ['fec0::', 'feff:ffff:ffff:ffff:ffff:ffff:ffff:ffff', 'site-local'],
    ['ff00::', 'ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff', 'multicast'],
  ];
  for (const [first, last, kind] of ranges) {
    test(`${first} to ${last} is not public`, () => {
      for (const text of [first, last]) {
        const found = notPublic(address(text));
        assert.ok(found !== undefined, text);
        if (kind !== '') assert.equal(found, kind, text);
      }
    });
  }

  test('the addresses beside those ranges are public', () => {
    for (const text of [
      '1.0.0.0',
      '9.255.255.255',
      '11.0.0.0',
      '100.63.255.255',
      '100.128.0.0',
      '126.255.255.255',
      '128.0.0.0',
      '169.253.255.255',
      '169.255.0.0',
      '172.15.255.255',
      '172.32.0.0',
      '191.255.255.255',
      '192.0.1.0',
      '192.0.3.0',
      '192.88.98.255',
      '192.88.100.0',
      '192.167.255.255',
      '192.169.0.0',
      '198.17.255.255',
      '198.20.0.0',
      '198.51.99.255',
      '198.51.101.0',
      '203.0.112.255',
      '203.0.114.0',
      '223.255.255.255',
      '168.63.129.15',
      '168.63.129.17',
      '2000::',
      '2001:200::',
      '2001:db7:ffff::',
      '2001:db9::',
      '2003::',
      '3ffe:ffff::',
      '3fff:1000::',
      '2606:4700:4700::1111',
    ]) {
      assert.equal(notPublic(address(text)), undefined, text);
    }
  });

  test('metadata services of clouds are not public', () => {
    for (const text of [
      '169.254.169.254',
      '169.254.170.2',
      'fd00:ec2::254',
      '100.100.100.200',
      '192.0.0.192',
      'fd20:ce::254',
    ]) {
      assert.notEqual(notPublic(address(text)), undefined, text);
    }
  });

  test('an address that stands for an IPv4 address is judged by that', () => {
    for (const [text, kind] of [
      ['::ffff:127.0.0.1', 'loopback'],
      ['::ffff:8.8.8.8', undefined],
      ['::127.0.0.1', 'loopback'],
      ['::8.8.8.8', undefined],
      ['64:ff9b::7f00:1', 'loopback'],
      ['64:ff9b::a9fe:a9fe', 'link-local'],
      ['64:ff9b::808:808', undefined],
      ['2002:7f00:1::1', 'loopback'],
      ['2002:c0a8:101::', 'private'],
      ['2002:808:808::1', undefined],
      // The server, then the client with its bits turned round.
      ['2001:0:808:808:0:0:f7f7:f7f7', undefined],
      ['2001:0:808:808:0:0:80ff:fffe', 'loopback'],
      ['2001:0:a00:1:0:0:f7f7:f7f7', 'private'],
      // Either place may be the one that the site uses.
      ['64:ff9b:1:808:8:800::', 'unspecified'],
      ['64:ff9b:1:7f00:0:100:808:808', 'loopback'],
      ['64:ff9b:1:808:8:800:7f00:1', 'loopback'],
      ['64:ff9b:1:808:8:800:808:808', undefined],
    ] as const) {
      assert.equal(notPublic(address(text)), kind, text);
    }
  });
});

test('an ordinary address stands for no other', () => {
  for (const text of ['8.8.8.8', '2606:4700::1', '64:ff9b:2::1', '2003:808:808::1']) {
    assert.deepEqual(embedded(address(text)), [], text);
  }
});
