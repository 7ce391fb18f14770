import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { ManifestError } from '../../manifest/manifest-error.ts';
import { parseManifest } from '../../manifest/parse-manifest.ts';
import { capability } from './capability.ts';
import { maxAllowedHosts } from './allowed-host.ts';

const table = `[${capability.name}]`;

function options(lines: string): Readonly<Record<string, unknown>> | undefined {
  const text = `name = "a"\nversion = "1"\ncapabilities = ["${capability.name}"]\n${lines}`;
  const capabilities = new Map([[capability.name, capability]]);
  return parseManifest(text, { file: '/pulp.plugin.toml', capabilities }).options.get(capability.name);
}

function problem(lines: string): string {
  try {
    options(`${table}\n${lines}`);
  } catch (error) {
    if (error instanceof ManifestError) return error.message;
    throw error;
  }
  return 'nothing';
}

suite('the options of transport.http.outbound', () => {
  test('have defaults', () => {
    for (const lines of ['', table]) {
      assert.deepEqual(options(lines), {
        allowed_hosts: undefined,
        timeout_ms: 25_000,
        max_body_bytes: 33_554_432,
        max_request_body_bytes: 33_554_432,
        max_redirects: 10,
      });
    }
  });

  test('can be set, and sent to a thread', () => {
    const set = options(`${table}
      allowed_hosts = ["a.example:8080", "*.b.example", "10.0.0.0/8", "[::1]:80"]
      timeout_ms = 300000
      max_body_bytes = 1
      max_request_body_bytes = 0
      max_redirects = 0`);
    assert.deepEqual(structuredClone(set), {
      allowed_hosts: ['a.example:8080', '*.b.example', '10.0.0.0/8', '[::1]:80'],
      timeout_ms: 300_000,
      max_body_bytes: 1,
      max_request_body_bytes: 0,
      max_redirects: 0,
    });
  });

  test('an entry that is none is a problem that names it and its place', () => {
    const found = problem('allowed_hosts = ["a.example", "https://b.example", "10.0.0.0/33"]');
    assert.match(found, /transport\.http\.outbound\.allowed_hosts\[1\]: "https:\/\/b\.example" is no entry/);
    assert.match(problem('allowed_hosts = ["10.0.0.0/33"]'), /allowed_hosts\[0\]: "10\.0\.0\.0\/33"/);
    assert.match(problem('allowed_hosts = "a.example"'), /expected a list/);
    assert.match(problem('allowed_hosts = [1]'), /expected a text/);
    const many = JSON.stringify(Array.from({ length: maxAllowedHosts + 1 }, () => 'a.example'));
    assert.match(problem(`allowed_hosts = ${many}`), /at most 1000 entries/);
  });

  test('are refused outside of their ranges', () => {
    for (const lines of [
      'timeout_ms = 0',
      'timeout_ms = 300001',
      'timeout_ms = 1.5',
      'max_body_bytes = 0',
      'max_body_bytes = 1073741825',
      'max_request_body_bytes = -1',
      'max_redirects = -1',
      'max_redirects = 51',
      'max_redirects = "10"',
      'unknown = 1',
    ]) {
      assert.notEqual(problem(lines), 'nothing', lines);
    }
  });
});
