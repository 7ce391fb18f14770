import assert from 'node:assert/strict';
import { BlockList } from 'node:net';
import { suite, test } from 'node:test';
import * as fc from 'fast-check';
import { type Address, inRange, parseAddress, parseRange } from './address.ts';

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
