import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { getCACertificates } from 'node:tls';
import { silent } from '../../../../test/support/guest-context.ts';
import type { Log } from '../../ext.ts';
import { trustedCertificates } from './trusted-certificates.ts';

function log(warnings: string[]): Log {
  return { ...silent, warn: (message) => warnings.push(message) };
}

suite('trustedCertificates', () => {
  test('has those of the system and of the file, each once', (t) => {
    const folder = mkdtempSync(join(tmpdir(), 'pulp-test-ca-'));
    t.after(() => rmSync(folder, { recursive: true }));
    const own = ['A', 'B'].map((name) => `-----BEGIN CERTIFICATE-----\n${name}\n-----END CERTIFICATE-----`);
    const file = join(folder, 'ca.pem');
    writeFileSync(file, `# ours\n${own.join('\n# and\n')}\n${own[0]}\n`);
    const warnings: string[] = [];
    const trusted = trustedCertificates(log(warnings), file);
    for (const certificate of own) assert.ok(trusted.includes(certificate));
    for (const certificate of getCACertificates('system')) assert.ok(trusted.includes(certificate));
    assert.equal(new Set(trusted).size, trusted.length);
    assert.deepEqual(warnings, []);
  });

  test('warns of a file that cannot be read', () => {
    const warnings: string[] = [];
    assert.ok(trustedCertificates(log(warnings), '/nowhere/ca.pem').length > 0);
    assert.deepEqual(warnings, ['certificates not read']);
  });
});
