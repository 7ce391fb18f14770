import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { suite, test } from 'node:test';
import { parseCommandLine, type Command } from './command-line.ts';
import { COMMANDS } from './commands.ts';
import { keysOf } from './flags.ts';
import { UsageError, type Environment } from './parse-flags.ts';

function flagsOf(argv: readonly string[], env: Environment = {}): Extract<Command, { name: 'run' }>['flags'] {
  const command = parseCommandLine(argv, env);
  assert.equal(command.name, 'run');
  return command.flags;
}

function refusal(argv: readonly string[], env: Environment = {}): string {
  let message = '';
  assert.throws(
    () => parseCommandLine(argv, env),
    (error) => {
      assert.ok(error instanceof UsageError);
      message = error.message;
      return true;
    },
    argv.join(' '),
  );
  return message;
}

suite('command line', () => {
  test('takes a flag with one dash or two, with its value behind it or behind an equals sign', () => {
    for (const argv of [
      ['-manifest', 'a.toml', '-http-port', '9090'],
      ['--manifest', 'a.toml', '--http-port', '9090'],
      ['-manifest=a.toml', '--http-port=9090'],
      ['run', '-http-port=9090', 'a.toml'],
      ['-http-port', '9090', 'run', 'a.toml'],
      ['run', '-http-port', '9090', '--', 'a.toml'],
    ]) {
      const { manifest, httpPort } = flagsOf(argv);
      assert.deepEqual({ manifest, httpPort }, { manifest: ['a.toml'], httpPort: 9090 }, argv.join(' '));
    }
  });

  test('has a default for every flag but those that may be left out', () => {
    assert.deepEqual(flagsOf(['-manifest', 'a.toml']), {
      manifest: ['a.toml'],
      httpPort: 8080,
      storageRoot: './data',
      control: true,
      watch: false,
      pluginThreads: 16,
      allowPrivateNetwork: false,
      drainTimeout: 8_000,
      shutdownDelay: 0,
      requestTimeout: 30_000,
      startTimeout: 30_000,
      maxBodyBytes: 10_485_760,
      maxConnections: 10_000,
      headerTimeout: 10_000,
      bodyTimeout: 30_000,
      writeTimeout: 30_000,
      logLevel: 'info',
    });
  });

  test('reads the variable of a flag that is not given', () => {
    const env = { PULP_MANIFEST: 'b.toml', PULP_HTTP_PORT: '1', PULP_LOG_FORMAT: 'json', PULP_HTTP_HOST: '' };
    const flags = flagsOf(['-http-port', '2'], env);
    assert.deepEqual(flags.manifest, ['b.toml']);
    assert.equal(flags.httpPort, 2);
    assert.equal(flags.logFormat, 'json');
    assert.equal(flags.httpHost, undefined);
    assert.deepEqual(flagsOf(['run', 'c.toml'], env).manifest, ['c.toml']);
  });

  test('lets the last of two values count', () => {
    assert.equal(flagsOf(['run', '-http-port', '1', '-http-port', '2']).httpPort, 2);
  });

  test('takes the manifest in a folder, and the folder it is in without one', (t) => {
    const folder = mkdtempSync(join(tmpdir(), 'pulp-cli-'));
    t.after(() => {
      rmSync(folder, { recursive: true });
    });
    assert.deepEqual(flagsOf(['run', folder]).manifest, [join(folder, 'pulp.plugin.toml')]);
    assert.deepEqual(flagsOf(['-manifest', folder]).manifest, [join(folder, 'pulp.plugin.toml')]);
    assert.deepEqual(flagsOf(['run']).manifest, ['pulp.plugin.toml']);
    assert.deepEqual(flagsOf(['run', join(folder, 'none')]).manifest, [join(folder, 'none')]);
  });

  test('shows help and version, however they are asked for', () => {
    for (const argv of [['help'], ['--help'], ['-help'], ['-h'], ['help', 'help'], ['-h', '--version']]) {
      assert.deepEqual(parseCommandLine(argv, {}), { name: 'help' }, argv.join(' '));
    }
    for (const topic of keysOf(COMMANDS)) {
      for (const argv of [
        ['help', topic],
        [topic, '--help'],
        [topic, '-h'],
      ]) {
        assert.deepEqual(parseCommandLine(argv, {}), { name: 'help', topic }, argv.join(' '));
      }
    }
    assert.equal(refusal(['help', 'log']), 'unknown command "log"; did you mean logs?');
    assert.deepEqual(parseCommandLine(['--version'], {}), { name: 'version' });
    assert.deepEqual(parseCommandLine(['-version'], {}), { name: 'version' });
    assert.deepEqual(parseCommandLine(['version'], {}), { name: 'version' });
    assert.deepEqual(parseCommandLine(['help', 'version'], {}), { name: 'help' });
    assert.deepEqual(parseCommandLine(['--version'], { PULP_HTTP_PORT: 'x' }), { name: 'version' });
  });

  test('refuses to run nothing', () => {
    assert.match(refusal([]), /^no manifest/);
    assert.match(refusal(['-http-port', '9090']), /^no manifest/);
    assert.match(refusal(['run', '']), /empty/);
  });

  test('refuses one port for plugins and for health, unless the system chooses', () => {
    assert.equal(
      refusal(['run', 'a', '-http-port', '9185', '-health-port', '9185']),
      'both -http-port and -health-port are 9185: give them one each',
    );
    assert.match(refusal(['run', 'a', '-health-port', '8080']), /are 8080/, 'the default');
    const free = ['run', 'a', '-http-port', '0', '-health-port', '0'];
    assert.equal(parseCommandLine(free, {}).name, 'run');
  });

  test('suggests the nearest flag for one it does not know', () => {
    assert.equal(refusal(['-htp-port', '1']), 'unknown flag "-htp-port"; did you mean -http-port?');
    assert.equal(refusal(['--manifst=a']), 'unknown flag "--manifst"; did you mean -manifest?');
    assert.equal(refusal(['-zzzzzzzzzz']), 'unknown flag "-zzzzzzzzzz"');
    assert.match(refusal(['-__proto__', 'x']), /^unknown flag/);
    assert.match(refusal(['-constructor=x']), /^unknown flag/);
    assert.match(refusal(['-']), /is not a flag/);
    assert.match(refusal(['---x']), /is not a flag/);
  });

  test('says which value cannot be one, where it is from and what would do', () => {
    assert.equal(
      refusal(['run', '-http-port', '99999']),
      '-http-port is "99999": it must be a whole number from 0 to 65535',
    );
    assert.match(refusal(['run', '-http-port=-1']), /^-http-port is "-1"/);
    assert.match(refusal(['run', '-http-port', '-1']), /is not a flag|is "-1"|unknown flag/);
    assert.match(
      refusal(['run'], { PULP_DRAIN_TIMEOUT: 'soon' }),
      /^PULP_DRAIN_TIMEOUT is "soon": it must be a time/,
    );
    assert.match(refusal(['-manifest=']), /^-manifest is ""/);
  });

  test('says which flag lacks its value', () => {
    assert.equal(refusal(['-manifest']), '-manifest needs a value');
    assert.equal(refusal(['-manifest', '-http-port', '1']), '-manifest needs a value');
    assert.equal(refusal(['--help=yes']), '--help takes no value');
  });

  test('takes a flag that is yes or no alone, with a value behind =, or from its variable', () => {
    assert.equal(flagsOf(['run']).allowPrivateNetwork, false);
    assert.equal(flagsOf(['--allow-private-network', 'run', 'a']).allowPrivateNetwork, true);
    assert.equal(flagsOf(['run', '-allow-private-network=false']).allowPrivateNetwork, false);
    assert.equal(flagsOf(['run'], { PULP_ALLOW_PRIVATE_NETWORK: '1' }).allowPrivateNetwork, true);
    assert.equal(
      refusal(['run', '-allow-private-network=perhaps']),
      '-allow-private-network is "perhaps": it must be true or false',
    );
  });

  test('backup and restore have flags of their own', () => {
    const env = { PULP_STORAGE_ROOT: '/srv', PULP_TO: 'ignored' };
    assert.deepEqual(parseCommandLine(['backup', '-to', '/copy'], env), {
      name: 'backup',
      flags: { storageRoot: '/srv', to: '/copy' },
    });
    assert.deepEqual(parseCommandLine(['restore', '--from=/copy', '-storage-root', 'x', '--force'], env), {
      name: 'restore',
      flags: { storageRoot: 'x', from: '/copy', force: true },
    });
    assert.match(refusal(['backup'], env), /-to FOLDER$/);
    assert.match(refusal(['restore']), /-from FOLDER$/);
    assert.match(refusal(['backup', '-to', 'a', 'b']), /^unexpected argument "b"/);
    assert.equal(refusal(['restore', '-form', 'a']), 'unknown flag "-form"; did you mean -from?');
    assert.equal(refusal(['backup', '-http-port', '1']), 'unknown flag "-http-port"');
    assert.deepEqual(parseCommandLine(['backup', '--help'], {}), { name: 'help', topic: 'backup' });
    assert.deepEqual(parseCommandLine(['restore', '--version'], {}), { name: 'version' });
    assert.equal(refusal(['bakup']), 'unknown command "bakup"; did you mean backup?');
  });

  test('takes several plugins: as words, as flags, or in one variable', () => {
    const manifests = ['a', 'b', 'c'];
    assert.deepEqual(flagsOf(['run', ...manifests]).manifest, manifests);
    assert.deepEqual(flagsOf(['-manifest', 'a', '--manifest=b', '-manifest', 'c']).manifest, manifests);
    assert.deepEqual(flagsOf(['run'], { PULP_MANIFEST: manifests.join(delimiter) }).manifest, manifests);
    const odd = `${delimiter}a${delimiter}${delimiter}b${delimiter}`;
    assert.deepEqual(flagsOf([], { PULP_MANIFEST: odd }).manifest, ['a', 'b']);
    assert.match(refusal([], { PULP_MANIFEST: delimiter }), /^no manifest/);
    assert.deepEqual(flagsOf(['-manifest', 'x'], { PULP_MANIFEST: odd }).manifest, ['x']);
    assert.match(refusal(['run', 'a', '']), /empty/);
  });

  test('commands for a host that runs have flags and plugins of their own', () => {
    const env = { PULP_STORAGE_ROOT: '/srv', PULP_JSON: 'true', PULP_LOG_FORMAT: 'json', PULP_TAIL: '1' };
    assert.deepEqual(parseCommandLine(['ps'], env), {
      name: 'ps',
      flags: { storageRoot: '/srv', quiet: false },
    });
    assert.deepEqual(parseCommandLine(['stats', '-watch', '--json=false', 'a', 'b'], {}), {
      name: 'stats',
      flags: { storageRoot: './data', watch: true, json: false },
      plugins: ['a', 'b'],
    });
    assert.deepEqual(parseCommandLine(['logs', '-f', '-n', '5', 'echo', '-since=10m'], env), {
      name: 'logs',
      flags: { storageRoot: '/srv', follow: true, tail: 5, since: 600_000, logFormat: 'json', json: false },
      plugin: 'echo',
    });
    for (const name of ['stop', 'start', 'restart', 'reload'] as const) {
      assert.deepEqual(parseCommandLine([name, 'a', '--', '-b'], {}), {
        name,
        flags: { storageRoot: './data', json: false },
        plugins: ['a', '-b'],
      });
    }
    assert.deepEqual(parseCommandLine(['reload'], {}), {
      name: 'reload',
      flags: { storageRoot: './data', json: false },
      plugins: [],
    });
    assert.deepEqual(parseCommandLine(['inspect', 'a'], {}), {
      name: 'inspect',
      flags: { storageRoot: './data', json: true },
      plugins: ['a'],
    });
    assert.equal(refusal(['stop']), 'stop: say which plugin; `pulp ps` lists them');
    assert.equal(refusal(['inspect']), 'inspect: say which plugin; `pulp ps` lists them');
    assert.equal(refusal(['ps', 'a']), 'ps: unexpected argument "a"');
    assert.equal(refusal(['logs', 'a', 'b']), 'logs: unexpected argument "b"');
    assert.match(refusal(['stop', '']), /empty text/);
    assert.equal(refusal(['logs', '-folow']), 'unknown flag "-folow"; did you mean -follow?');
    assert.equal(refusal(['resart', 'a']), 'unknown command "resart"; did you mean restart?');
  });

  test('refuses arguments that it has no use for', () => {
    assert.equal(refusal(['rum']), 'unknown command "rum"; did you mean run?');
    assert.equal(
      refusal(['./my-plugin']),
      'unexpected argument "./my-plugin"; to run a plugin: pulp run ./my-plugin',
    );
    assert.equal(refusal(['kill', 'a']), 'unknown command "kill"; `pulp --help` lists them');
    assert.match(refusal(['run', 'a', '-manifest', 'b']), /give one of them$/);
  });

  test('takes the name of what is in the current folder for no command', () => {
    const before = process.cwd();
    const folder = mkdtempSync(join(tmpdir(), 'pulp-'));
    try {
      mkdirSync(join(folder, 'guestbook'));
      process.chdir(folder);
      assert.equal(
        refusal(['guestbook']),
        'unexpected argument "guestbook"; to run a plugin: pulp run guestbook',
      );
      assert.equal(refusal(['phonebook']), 'unknown command "phonebook"; `pulp --help` lists them');
    } finally {
      process.chdir(before);
      rmSync(folder, { recursive: true });
    }
  });
});
