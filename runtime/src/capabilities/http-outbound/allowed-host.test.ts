import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { NotAnOption } from '../option.ts';
import { parseAllowedHost } from './allowed-host.ts';

suite('parseAllowedHost', () => {
  test('reads names, as a URL has them', () => {
    for (const [text, name] of [
      ['api.example.org', 'api.example.org'],
      ['API.Example.ORG', 'api.example.org'],
      ['api.example.org.', 'api.example.org'],
      ['localhost', 'localhost'],
      ['bücher.example', 'xn--bcher-kva.example'],
      ['_srv.example', '_srv.example'],
    ] as const) {
      assert.deepEqual(parseAllowedHost(text), { name, subdomains: false, port: undefined }, text);
    }
  });

  test('reads ports', () => {
    assert.deepEqual(parseAllowedHost('a.example:8443'), {
      name: 'a.example',
      subdomains: false,
      port: 8443,
    });
    assert.deepEqual(parseAllowedHost('*.a.example:65535'), {
      name: 'a.example',
      subdomains: true,
      port: 65_535,
    });
    assert.deepEqual(parseAllowedHost('10.0.0.1:80'), {
      range: { address: [10, 0, 0, 1], bits: 32 },
      port: 80,
    });
    assert.deepEqual(parseAllowedHost('10.0.0.0/8:80'), {
      range: { address: [10, 0, 0, 0], bits: 8 },
      port: 80,
    });
  });

  test('reads IPv6 with and without brackets', () => {
    const loopback = { address: [...Array.from({ length: 15 }, () => 0), 1], bits: 128 };
    for (const text of ['::1', '[::1]']) {
      assert.deepEqual(parseAllowedHost(text), { range: loopback, port: undefined }, text);
    }
    assert.deepEqual(parseAllowedHost('[::1]:8080'), { range: loopback, port: 8080 });
    const local = { address: [0xfd, ...Array.from({ length: 15 }, () => 0)], bits: 8 };
    for (const text of ['fd00::/8', '[fd00::]/8', '[fd00::/8]']) {
      assert.deepEqual(parseAllowedHost(text), { range: local, port: undefined }, text);
    }
    for (const text of ['[fd00::]/8:443', '[fd00::/8]:443']) {
      assert.deepEqual(parseAllowedHost(text), { range: local, port: 443 }, text);
    }
  });

  test('refuses everything else, and names it', () => {
    for (const text of [
      '',
      ' ',
      '*',
      '*.',
      '*.*.example',
      'a.*.example',
      'https://a.example',
      'a.example/path',
      'a.example:',
      'a.example:0',
      'a.example:65536',
      'a.example:http',
      'a.example:80:80',
      'user@a.example',
      'a b.example',
      'a.example?',
      'a.example#',
      'a\\b',
      'a%2eexample',
      '10.0.0.0/33',
      '10.0.0.0/8:0',
      'fd00::/129',
      '[10.0.0.1]',
      '[fd00::]/8/8',
      '[::1',
      '::1]',
      '[::1]80',
      'fe80::1%eth0',
      '127.1',
      '0x7f.1',
      '2130706433',
      'x'.repeat(301),
    ]) {
      assert.throws(
        () => parseAllowedHost(text),
        (error) =>
          error instanceof NotAnOption && error.message.startsWith(JSON.stringify(text.slice(0, 100))),
        text,
      );
    }
  });

  test('says how a folded address is written', () => {
    assert.throws(() => parseAllowedHost('127.1'), /write the address as 127\.0\.0\.1/);
  });
});
