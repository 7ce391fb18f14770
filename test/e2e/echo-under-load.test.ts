import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { before, suite, test } from 'node:test';
import { buildExample, exampleManifest } from '../support/example-plugins.ts';
import { manyRequests } from '../support/many-requests.ts';
import { PulpProcess } from '../support/pulp-process.ts';
import { suiteScope } from '../support/scope.ts';

const mebibyte = 1024 * 1024;

async function post(url: string, body: Buffer): Promise<{ status: number; body: Buffer }> {
  const response = await fetch(url, { method: 'POST', body });
  return { status: response.status, body: Buffer.from(await response.arrayBuffer()) };
}

for (const name of ['echo', 'echo-go']) {
  const skip = await buildExample(name);
  suite(`the plugin ${name} under load`, { skip }, () => {
    const scope = suiteScope();
    let pulp: PulpProcess;

    before(async () => {
      pulp = await PulpProcess.start(scope, { manifest: exampleManifest(name) });
    });

    test('10,000 requests over 100 connections have each its own answer', async (t) => {
      await manyRequests(t, {
        port: pulp.port,
        connections: 100,
        requests: 10_000,
        request: (number) => {
          const token = `token-${number}`;
          if (number % 2 === 0) return `GET /echo/${token} HTTP/1.1\r\nHost: test\r\n\r\n`;
          return `POST /echo HTTP/1.1\r\nHost: test\r\nContent-Length: ${token.length}\r\n\r\n${token}`;
        },
        body: (number) => `token-${number}`,
      });
    });

    test('bodies of all sizes round those of rings and pages come back byte for byte', async () => {
      const around = [1, 64, 4096, 32_768, 65_536, 262_144, mebibyte];
      const sizes = [0, ...around.flatMap((size) => [size - 1, size, size + 1]), 10 * mebibyte];
      for (const size of sizes) {
        const body = randomBytes(size);
        const answer = await post(`${pulp.url}/echo`, body);
        assert.equal(answer.status, 200, `${size} bytes`);
        assert.ok(answer.body.equals(body), `${size} bytes came back as others`);
      }
    });

    test('large and small at the same time do not mix', async (t) => {
      const large = Array.from({ length: 5 }, async (_, index) => {
        const body = randomBytes((10 - index) * mebibyte);
        const answer = await post(`${pulp.url}/echo`, body);
        assert.equal(answer.status, 200);
        assert.ok(answer.body.equals(body));
      });
      const small = manyRequests(t, {
        port: pulp.port,
        connections: 10,
        requests: 500,
        request: (number) => `GET /echo/small-${number} HTTP/1.1\r\nHost: test\r\n\r\n`,
        body: (number) => `small-${number}`,
      });
      await Promise.all([...large, small]);
    });

    test('more bytes at a time than a queue holds are refused with 503, the rest comes back whole', async () => {
      const body = randomBytes(10 * mebibyte);
      const answers = await Promise.all(Array.from({ length: 12 }, () => post(`${pulp.url}/echo`, body)));
      for (const answer of answers) {
        if (answer.status === 503) continue;
        assert.equal(answer.status, 200);
        assert.ok(answer.body.equals(body));
      }
      assert.ok(answers.some(({ status }) => status === 200));
      assert.equal((await post(`${pulp.url}/echo`, body)).status, 200);
    });

    test('after all that the end is in order', async () => {
      assert.deepEqual(await pulp.stop(), { code: 0, signal: null, stderr: '' }, pulp.dump());
    });
  });
}
