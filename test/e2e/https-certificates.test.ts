import assert from 'node:assert/strict';
import { once } from 'node:events';
import { copyFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { connect } from 'node:tls';
import { suite, test, type TestContext } from 'node:test';
import { Host } from '../../runtime/src/index.ts';
import { guestFolder, startGuest } from '../support/guest-host.ts';
import { certificateFile, certificateFolder, readCertificateFile } from '../support/https-certificates.ts';
import { Http2Client } from '../support/http2-client.ts';
import { PulpProcess } from '../support/pulp-process.ts';

/** The name in the certificate that a server shows. */
async function shownBy(t: TestContext, port: number): Promise<unknown> {
  const socket = connect({ port, host: '127.0.0.1', rejectUnauthorized: false });
  t.after(() => socket.destroy());
  await once(socket, 'secureConnect');
  const { subject } = socket.getPeerCertificate();
  socket.destroy();
  return subject.CN;
}

suite('certificate and key at the start', () => {
  test('what is wrong with them is one line that names the file, before anything of the plugin', async (t) => {
    const manifest = await guestFolder(t, {});
    const { folder } = await certificateFolder(t);
    const text = join(folder, 'text.pem');
    await writeFile(text, 'no certificate\n');
    const [crt, key] = [certificateFile('first.crt'), certificateFile('first.key')];
    for (const [args, said] of [
      [['-http-cert', crt], /-http-cert is given without -http-key/],
      [['-http-key', key], /-http-key is given without -http-cert/],
      [['-http-cert', join(folder, 'none'), '-http-key', key], /\/none: the certificate is not there/],
      [['-http-cert', crt, '-http-key', folder], /the private key is a folder, not a file/],
      [['-http-cert', text, '-http-key', key], /text\.pem: there is no certificate in PEM in it/],
      [['-http-cert', crt, '-http-key', text], /text\.pem: there is no private key in PEM in it/],
      [['-http-cert', crt, '-http-key', certificateFile('second.key')], /second\.key: .* does not match/],
      [['-http-cert', crt, '-http-key', certificateFile('encrypted.key')], /the private key is encrypted/],
    ] as const) {
      const end = await PulpProcess.run(t, { manifest, args });
      assert.equal(end.code, 1);
      assert.match(end.stderr, /^pulp: [^\n]*\n$/);
      assert.match(end.stderr, said);
      assert.deepEqual(end.lines, []);
    }
  });

  test('an expired certificate is served, with a warning', async (t) => {
    const args = ['-http-cert', certificateFile('expired.crt'), '-http-key', certificateFile('first.key')];
    const pulp = await startGuest(t, {}, { args });
    await pulp.line('certificate is not valid now', {
      level: 'WARN',
      cert: certificateFile('expired.crt'),
      valid_to: '2020-02-01T00:00:00.000Z',
    });
    assert.equal(await shownBy(t, pulp.port), 'expired');
  });

  test('a library host says what is missing, and where it serves', async (t) => {
    const manifest = await guestFolder(t, {});
    const [httpCert, httpKey] = [certificateFile('first.crt'), certificateFile('first.key')];
    await assert.rejects(Host.start({ manifest, httpPort: 0, httpCert }), /HTTPS needs both a certificate/);
    await assert.rejects(Host.start({ manifest, httpPort: 0, httpKey }), /HTTPS needs both a certificate/);
    const host = await Host.start({ manifest, httpPort: 0, httpHost: '127.0.0.1', httpCert, httpKey });
    t.after(() => host.stop());
    assert.match(host.url ?? '', /^https:\/\/127\.0\.0\.1:\d+$/);
    assert.equal(await shownBy(t, Number(new URL(host.url ?? '').port)), 'first');
    assert.deepEqual(await host.stop(), { clean: true });
  });
});

suite('a certificate that is replaced', () => {
  test('is shown to new clients, and connections that are there stay', async (t) => {
    const { cert, key } = await certificateFolder(t);
    const pulp = await startGuest(t, {}, { args: ['-http-cert', cert, '-http-key', key] });
    const client = await Http2Client.open(t, pulp.port, { ca: await readCertificateFile('first.crt') });
    assert.equal(await shownBy(t, pulp.port), 'first');

    await copyFile(certificateFile('second.crt'), cert);
    await copyFile(certificateFile('second.key'), key);
    await pulp.line('certificate reloaded', { level: 'INFO', cert });
    assert.equal(await shownBy(t, pulp.port), 'second');
    assert.equal((await client.request('/ok')).status, 200);
    const other = await Http2Client.open(t, pulp.port);
    assert.equal((await other.request('/ok')).status, 200);
  });

  test('by one that cannot be used keeps the one before, and the log says why', async (t) => {
    const { cert, key } = await certificateFolder(t);
    const pulp = await startGuest(t, {}, { args: ['-http-cert', cert, '-http-key', key] });
    await writeFile(cert, 'broken\n');
    const { reason } = await pulp.line('certificate not reloaded', { level: 'WARN' });
    assert.equal(reason, `${cert}: there is no certificate in PEM in it`);
    assert.equal(await shownBy(t, pulp.port), 'first');
    assert.deepEqual(await pulp.stop(), { code: 0, signal: null, stderr: '' });
  });
});
