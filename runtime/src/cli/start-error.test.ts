import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { ManifestError } from '../manifest/manifest-error.ts';
import { describeStartError, type ListenTarget } from './start-error.ts';

const TARGET: ListenTarget = { flag: '-http-port', port: 8080, host: undefined };

function listenError(code: string): Error {
  return Object.assign(new Error(`listen ${code}: address 0.0.0.0:8080`), { code, syscall: 'listen' });
}

suite('an error at start', () => {
  test('about the port names it and the flag that changes it', () => {
    assert.equal(
      describeStartError(listenError('EADDRINUSE'), TARGET),
      'pulp: cannot listen on port 8080: another program uses it; end that program, or choose another port with -http-port or PULP_HTTP_PORT',
    );
    assert.match(
      describeStartError(listenError('EACCES'), { ...TARGET, port: 80 }),
      /port 80: this user may not/,
    );
    assert.match(
      describeStartError(listenError('EADDRINUSE'), { ...TARGET, flag: '-health-port', port: 9000 }),
      /on port 9000: .* another port with -health-port or PULP_HEALTH_PORT$/,
    );
  });

  test('about the address names both', () => {
    const target = { ...TARGET, host: '192.0.2.1' };
    assert.match(
      describeStartError(listenError('EADDRNOTAVAIL'), target),
      /^pulp: cannot listen on 192\.0\.2\.1, port 8080: .*-http-host$/,
    );
    assert.match(describeStartError(listenError('EMFILE'), target), /^pulp: cannot listen on .*EMFILE/);
  });

  test('of a manifest is shown as it is, all lines of it', () => {
    const error = new ManifestError('a.toml', [
      { key: 'name', reason: 'missing' },
      { key: 'version', reason: 'missing' },
    ]);
    assert.equal(error.message.split('\n').length, 3);
    assert.equal(describeStartError(error, TARGET), error.message);
  });

  test('of any other kind is one line, without a stack and without raw control characters', () => {
    assert.equal(
      describeStartError(new Error('echo: pulp_init failed: no\nkey\x1b[2J'), TARGET),
      String.raw`pulp: echo: pulp_init failed: no\nkey\x1b[2J`,
    );
    assert.equal(describeStartError('a\nb', TARGET), String.raw`pulp: a\nb`);
  });
});
