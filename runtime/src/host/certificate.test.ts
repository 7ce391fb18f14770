import assert from 'node:assert/strict';
import { chmod, copyFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, suite, test } from 'node:test';
import { isValidAt, readCertificate } from './certificate.ts';

const made = join(import.meta.dirname, '../../../test/support/certificates');

suite('readCertificate', () => {
  let folder: string;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'pulp-test-certificate-'));
  });
  after(() => rm(folder, { recursive: true, force: true }));

  /** A file with this text. */
  async function file(name: string, text: string | Uint8Array): Promise<string> {
    const path = join(folder, name);
    await writeFile(path, text);
    return path;
  }

  for (const name of ['first', 'second']) {
    test(`takes the ${name} pair, and knows how long it is valid`, async () => {
      const files = { cert: join(made, `${name}.crt`), key: join(made, `${name}.key`) };
      const certificate = await readCertificate(files);
      assert.deepEqual(certificate.cert, await readFile(files.cert));
      assert.equal(certificate.validFrom.toISOString(), '2020-01-01T00:00:00.000Z');
      assert.equal(certificate.validTo.toISOString(), '2120-01-01T00:00:00.000Z');
      assert.equal(isValidAt(Date.parse('2030-01-01'), certificate), true);
      assert.equal(isValidAt(Date.parse('2019-12-31'), certificate), false);
      assert.equal(isValidAt(Date.parse('2120-01-02'), certificate), false);
    });
  }

  test('takes a chain, remarks, and both in one file', async () => {
    const [first, second, key] = await Promise.all(
      ['first.crt', 'second.crt', 'first.key'].map((name) => readFile(join(made, name), 'utf8')),
    );
    const chain = await file('chain.pem', `subject=first\n${first}\nsubject=second\n${second}`);
    await readCertificate({ cert: chain, key: join(made, 'first.key') });
    const both = await file('both.pem', `${key}${first}${second}`);
    await readCertificate({ cert: both, key: both });
  });

  test('an expired certificate is one', async () => {
    const certificate = await readCertificate({
      cert: join(made, 'expired.crt'),
      key: join(made, 'first.key'),
    });
    assert.equal(isValidAt(Date.now(), certificate), false);
  });

  test('says of everything else which file is wrong, and what is', async () => {
    const [crt, key] = [join(made, 'first.crt'), join(made, 'first.key')];
    const begin = '-----BEGIN CERTIFICATE-----\n';
    const keyBegin = '-----BEGIN PRIVATE KEY-----\n';
    const secondFirst = await file(
      'order.pem',
      `${await readFile(join(made, 'second.crt'), 'utf8')}${await readFile(crt, 'utf8')}`,
    );
    const cases: readonly (readonly [name: string, cert: string, key: string, said: RegExp])[] = [
      ['no certificate', join(folder, 'none.crt'), key, /none\.crt: the certificate is not there$/],
      ['no key', crt, join(folder, 'none.key'), /none\.key: the private key is not there$/],
      ['a folder', folder, key, /the certificate is a folder, not a file$/],
      ['a device', '/dev/null', key, /the certificate is not a regular file$/],
      ['too large', await file('large', 'x'.repeat(2 ** 20 + 1)), key, /too many for the certificate/],
      ['nothing in it', await file('empty.crt', ''), key, /empty\.crt: there is no certificate in PEM/],
      ['nothing in the key', crt, await file('empty.key', ''), /empty\.key: there is no private key in PEM/],
      ['DER', await file('der.crt', Buffer.from('308201', 'hex')), key, /der\.crt: there is no certificate/],
      ['the two mixed up', key, crt, /first\.key: this is a private key, not a certificate/],
      ['a certificate for a key', crt, crt, /first\.crt: this is a certificate, not a private key/],
      ['cut off', await file('cut.crt', `${begin}MIIB\n`), key, /cut\.crt: the certificate is broken: /],
      ['a cut key', crt, await file('cut.key', `${keyBegin}MIIB\n`), /cut\.key: the private key is broken: /],
      ['encrypted', crt, join(made, 'encrypted.key'), /encrypted\.key: the private key is encrypted/],
      [
        'encrypted the old way',
        crt,
        await file('old.key', '-----BEGIN EC PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n'),
        /old\.key: the private key is encrypted/,
      ],
      ['of another', crt, join(made, 'second.key'), /second\.key: .* does not match .*first\.crt/],
      ['in the wrong order', secondFirst, key, /first\.key: .* does not match .*order\.pem; .* the first$/],
      [
        'too weak',
        join(made, 'weak.crt'),
        join(made, 'weak.key'),
        /weak\.crt: the certificate cannot be used: .*key too small$/,
      ],
    ];
    for (const [name, cert, privateKey, said] of cases) {
      await assert.rejects(
        readCertificate({ cert, key: privateKey }),
        ({ message }: Error) => {
          assert.match(message, said, name);
          assert.ok(!message.includes('\n'), name);
          assert.ok(!/error:[\dA-F]{8}/.test(message), `${name}: ${message}`);
          return true;
        },
        name,
      );
    }
  });

  test('says when the user may not read it', { skip: process.getuid?.() === 0 && 'root may' }, async () => {
    const cert = join(folder, 'forbidden.crt');
    await copyFile(join(made, 'first.crt'), cert);
    await chmod(cert, 0);
    await assert.rejects(readCertificate({ cert, key: join(made, 'first.key') }), /may not be read/);
  });
});
