import assert from 'node:assert/strict';
import { cp, mkdir, mkdtemp, readFile, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite, test, type TestContext } from 'node:test';
import type { Log, LogFields } from '../ext.ts';
import { type Certificate, readCertificate } from './certificate.ts';
import { CertificateWatch, type CertificateWatchOptions } from './certificate-watch.ts';

const made = join(import.meta.dirname, '../../../test/support/certificates');

interface Line {
  readonly message: string;
  readonly fields: LogFields | undefined;
}

interface Watched {
  readonly folder: string;
  readonly cert: string;
  readonly key: string;
  /** The names of the certificates that were put to use, in their order. */
  readonly used: string[];
  readonly lines: Line[];
  /** Waits until something holds, and fails when it never does. */
  readonly until: (holds: () => boolean) => Promise<void>;
}

/** Watches the pair `first`, which a test may replace. */
async function watched(
  t: TestContext,
  options: Partial<CertificateWatchOptions> = {},
  prepare: (folder: string) => Promise<void> = async (folder) => {
    await put(folder, 'first');
  },
): Promise<Watched> {
  const folder = await mkdtemp(join(tmpdir(), 'pulp-test-watch-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  await prepare(folder);
  const files = { cert: join(folder, 'tls.crt'), key: join(folder, 'tls.key') };
  const used: string[] = [];
  const lines: Line[] = [];
  const note = (message: string, fields?: LogFields): void => {
    lines.push({ message, fields });
  };
  const log: Log = { debug: note, info: note, warn: note, error: note };
  const watch = new CertificateWatch(files, {
    current: await readCertificate(files),
    use: (certificate) => void used.push(nameOf(certificate)),
    log,
    settleMs: 20,
    patienceMs: 60_000,
    // Only what the system tells counts, unless a test says otherwise.
    pollMs: 3_600_000,
    ...options,
  });
  t.after(() => watch[Symbol.dispose]());
  const until = async (holds: () => boolean): Promise<void> => {
    for (let round = 0; round < 1000; round++) {
      if (holds()) return;
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    assert.fail(`it never came to pass: ${JSON.stringify({ used, lines })}`);
  };
  return { folder, ...files, used, lines, until };
}

const names = new Map<string, string>();
for (const name of ['first', 'second', 'expired']) {
  names.set(await readFile(join(made, `${name}.crt`), 'utf8'), name);
}

function nameOf({ cert }: Certificate): string {
  return names.get(cert.toString()) ?? 'another';
}

async function put(folder: string, name: string, parts: readonly string[] = ['crt', 'key']): Promise<void> {
  for (const part of parts) await cp(join(made, `${name}.${part}`), join(folder, `tls.${part}`));
}

function refuse(): void {
  assert.fail('it still looks');
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

suite('CertificateWatch', () => {
  test('puts a new pair to use, and says so', async (t) => {
    const { folder, cert, used, lines, until } = await watched(t);
    await put(folder, 'second');
    await until(() => used.length > 0);
    assert.deepEqual(used, ['second']);
    assert.deepEqual(lines, [
      { message: 'certificate reloaded', fields: { cert, valid_to: '2120-01-01T00:00:00.000Z' } },
    ]);
    await put(folder, 'first');
    await until(() => used.length > 1);
    assert.deepEqual(used, ['second', 'first']);
  });

  test('waits for the second file of a pair without a word', async (t) => {
    for (const parts of [
      ['crt', 'key'],
      ['key', 'crt'],
    ]) {
      const { folder, used, lines, until } = await watched(t);
      await put(folder, 'second', parts.slice(0, 1));
      await pause(150);
      assert.deepEqual([used, lines], [[], []]);
      await put(folder, 'second', parts.slice(1));
      await until(() => used.length > 0);
      assert.deepEqual(used, ['second']);
      assert.deepEqual(
        lines.map(({ message }) => message),
        ['certificate reloaded'],
      );
    }
  });

  test('keeps the pair that it has when the files stay wrong, and says so once', async (t) => {
    const { folder, cert, used, lines, until } = await watched(t, { patienceMs: 300 });
    await put(folder, 'second', ['crt']);
    await until(() => lines.length > 0);
    assert.equal(lines[0]?.message, 'certificate not reloaded');
    assert.match(String(lines[0].fields?.['reason']), /tls\.key: the private key does not match/);
    // Whatever else happens in the folder.
    await writeFile(join(folder, 'other'), '');
    await pause(500);
    assert.equal(lines.length, 1);
    await rm(cert);
    await until(() => lines.length > 1);
    assert.match(String(lines[1]?.fields?.['reason']), /tls\.crt: the certificate is not there/);
    assert.deepEqual(used, []);
    await put(folder, 'second');
    await until(() => used.length > 0);
    assert.deepEqual(used, ['second']);
  });

  test('does nothing when the same pair is written again', async (t) => {
    const { folder, used, lines } = await watched(t);
    await put(folder, 'first');
    await pause(500);
    assert.deepEqual([used, lines], [[], []]);
  });

  test('follows files that are renamed into place', async (t) => {
    const { folder, used, until } = await watched(t);
    await cp(join(made, 'second.crt'), join(folder, 'new.crt'));
    await cp(join(made, 'second.key'), join(folder, 'new.key'));
    await rename(join(folder, 'new.crt'), join(folder, 'tls.crt'));
    await rename(join(folder, 'new.key'), join(folder, 'tls.key'));
    await until(() => used.length > 0);
    assert.deepEqual(used, ['second']);
  });

  test('follows a link to a folder that is exchanged, as in a mounted secret', async (t) => {
    const { folder, used, until } = await watched(t, {}, async (own) => {
      for (const [version, name] of [
        ['v1', 'first'],
        ['v2', 'second'],
      ] as const) {
        await mkdir(join(own, version));
        await put(join(own, version), name);
      }
      await symlink('v1', join(own, '..data'));
      await symlink('..data/tls.crt', join(own, 'tls.crt'));
      await symlink('..data/tls.key', join(own, 'tls.key'));
    });
    await symlink('v2', join(folder, '..data_new'));
    await rename(join(folder, '..data_new'), join(folder, '..data'));
    await until(() => used.length > 0);
    assert.deepEqual(used, ['second']);
  });

  test('follows links to files that are exchanged one by one', async (t) => {
    const { folder, used, until } = await watched(t, {}, async (own) => {
      for (const part of ['crt', 'key']) await symlink(join(made, `first.${part}`), join(own, `tls.${part}`));
    });
    for (const part of ['crt', 'key']) {
      await symlink(join(made, `second.${part}`), join(folder, 'new'));
      await rename(join(folder, 'new'), join(folder, `tls.${part}`));
    }
    await until(() => used.length > 0);
    assert.deepEqual(used, ['second']);
  });

  test('looks by itself where the system says nothing', async (t) => {
    const { folder, used, until } = await watched(t, { pollMs: 50 }, async (own) => {
      await mkdir(join(own, 'elsewhere'));
      await put(join(own, 'elsewhere'), 'first');
      await symlink('elsewhere/tls.crt', join(own, 'tls.crt'));
      await symlink('elsewhere/tls.key', join(own, 'tls.key'));
    });
    await put(join(folder, 'elsewhere'), 'second');
    await until(() => used.length > 0);
    assert.deepEqual(used, ['second']);
  });

  test('notices what has changed before it began to watch', async (t) => {
    const current = await readCertificate({ cert: join(made, 'second.crt'), key: join(made, 'second.key') });
    const { used, until } = await watched(t, { current });
    await until(() => used.length > 0);
    assert.deepEqual(used, ['first']);
  });

  test('warns of a new certificate that is expired', async (t) => {
    const { folder, cert, used, lines, until } = await watched(t);
    await put(folder, 'expired', ['crt']);
    await until(() => lines.length > 1);
    assert.deepEqual(used, ['expired']);
    assert.deepEqual(lines[1], {
      message: 'certificate is not valid now',
      fields: { cert, valid_from: '2020-01-01T00:00:00.000Z', valid_to: '2020-02-01T00:00:00.000Z' },
    });
  });

  test('keeps the pair that it has when another cannot be put to use', async (t) => {
    const { folder, lines, until } = await watched(t, {
      patienceMs: 300,
      use: () => {
        throw new Error('no');
      },
    });
    await put(folder, 'second');
    await until(() => lines.length > 0);
    assert.deepEqual(lines, [{ message: 'certificate not reloaded', fields: { reason: 'no' } }]);
  });

  test('a folder that goes, and comes again, is looked at all the same', async (t) => {
    const { folder, used, until } = await watched(t, { pollMs: 50 });
    await rm(folder, { recursive: true });
    await pause(100);
    await mkdir(folder);
    await put(folder, 'second');
    await until(() => used.length > 0);
    assert.deepEqual(used, ['second']);
  });

  test('does nothing once it is disposed of', async (t) => {
    const folder = await mkdtemp(join(tmpdir(), 'pulp-test-watch-'));
    t.after(() => rm(folder, { recursive: true, force: true }));
    await put(folder, 'first');
    const files = { cert: join(folder, 'tls.crt'), key: join(folder, 'tls.key') };
    const watch = new CertificateWatch(files, {
      current: await readCertificate(files),
      use: refuse,
      log: { debug: refuse, info: refuse, warn: refuse, error: refuse },
      settleMs: 1,
      pollMs: 20,
    });
    watch[Symbol.dispose]();
    watch[Symbol.dispose]();
    await put(folder, 'second');
    await pause(200);
  });
});
