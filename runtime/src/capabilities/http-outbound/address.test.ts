import assert from 'node:assert/strict';
import { BlockList } from 'node:net';
import { suite, test } from 'node:test';
import * as fc from 'fast-check';
import { type Address, embedded, inRange, notPublic, parseAddress, parseRange } from './address.ts';

function address(text: string): Address {
  const parsed = parseAddress(text);
  assert.ok(parsed !== undefined, `${text} is an address`);
  return parsed;
}

const v4 = fc.ipV4();
const v6 = fc.tuple(
  ...Array.from({ length: 8 }, () => fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 0xffff }))),
);

suite('parseAddress', () => {
  test('reads IPv4', () => {
    assert.deepEqual(address('192.0.2.255'), [192, 0, 2, 255]);
  });

  test('reads every way to write IPv6', () => {
    const bytes = [0x20, 1, 0xd, 0xb8, ...Array.from({ length: 10 }, () => 0), 0, 1];
    for (const text of [
      '2001:db8::1',
      '2001:0DB8:0:0:0:0:0:1',
      '2001:db8:0::0:1',
      '2001:db8::0.0.0.1',
      '2001:db8::1%eth0',
    ]) {
      assert.deepEqual(address(text), bytes, text);
    }
    assert.deepEqual(
      address('::'),
      Array.from({ length: 16 }, () => 0),
    );
    assert.deepEqual(address('1::'), [0, 1, ...Array.from({ length: 14 }, () => 0)]);
  });

  test('reads what any library writes', () => {
    fc.assert(
      fc.property(v6, (groups) => {
        const bytes = groups.flatMap((group) => [group >> 8, group & 0xff]);
        const long = groups.map((group) => group.toString(16)).join(':');
        const short = new URL(`http://[${long}]/`).hostname.slice(1, -1);
        assert.deepEqual(parseAddress(short), parseAddress(long));
        if (groups.slice(0, 6).join() !== '0,0,0,0,0,65535') assert.deepEqual(parseAddress(long), bytes);
      }),
    );
  });

  test('takes an IPv4-mapped address for the IPv4 address that it is', () => {
    for (const text of ['::ffff:127.0.0.1', '::ffff:7f00:1', '0:0:0:0:0:FFFF:7F00:0001']) {
      assert.deepEqual(address(text), [127, 0, 0, 1], text);
    }
  });

  test('refuses what is no address', () => {
    for (const text of [
      '',
      'localhost',
      '127.1',
      '0x7f.0.0.1',
      '1.2.3.256',
      '1.2.3.4 ',
      '[::1]',
      ':::',
      '1::2::3',
    ]) {
      assert.equal(parseAddress(text), undefined, text);
    }
  });
});

suite('parseRange', () => {
  test('refuses what is no range', () => {
    for (const text of [
      '10.0.0.0/33',
      'fd00::/129',
      '10.0.0.0/',
      '10.0.0.0/-1',
      '10.0.0.0/8/8',
      '10/8',
      'a/8',
      'fe80::1%eth0',
      '10.0.0.0/0x8',
      '/8',
    ]) {
      assert.equal(parseRange(text), undefined, text);
    }
  });

  test('takes IPv4-mapped ranges for ranges of IPv4, and wider ones for none', () => {
    assert.deepEqual(parseRange('::ffff:10.0.0.0/104'), { address: [10, 0, 0, 0], bits: 8 });
    const wide = parseRange('::ffff:0.0.0.0/90');
    assert.ok(wide !== undefined && !inRange(address('8.8.8.8'), wide));
    const all = parseRange('::/0');
    assert.ok(all !== undefined && !inRange(address('8.8.8.8'), all) && inRange(address('2606::1'), all));
  });
});

test('inRange agrees with the block list of Node', () => {
  fc.assert(
    fc.property(v4, v4, fc.integer({ min: 0, max: 32 }), (base, other, bits) => {
      const list = new BlockList();
      list.addSubnet(base, bits, 'ipv4');
      const range = parseRange(`${base}/${bits}`);
      assert.ok(range !== undefined);
      for (const text of [base, other]) assert.equal(inRange(address(text), range), list.check(text), text);
    }),
  );
  fc.assert(
    fc.property(
      v6,
      fc.integer({ min: 0, max: 127 }),
      fc.integer({ min: 0, max: 128 }),
      (groups, flip, bits) => {
        const base = groups.map((group) => group.toString(16)).join(':');
        const flipped = groups.map((group, at) =>
          at === flip >> 4 ? group ^ (0x8000 >> (flip & 15)) : group,
        );
        const other = flipped.map((group) => group.toString(16)).join(':');
        if ([base, other].some((text) => parseAddress(text)?.length === 4)) return;
        const list = new BlockList();
        list.addSubnet(base, bits, 'ipv6');
        const range = parseRange(`${base}/${bits}`);
        assert.ok(range !== undefined);
        assert.equal(
          inRange(address(other), range),
          list.check(other, 'ipv6'),
          `${other} in ${base}/${bits}`,
        );
      },
    ),
  );
});

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
