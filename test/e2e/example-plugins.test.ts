import assert from 'node:assert/strict';
import { suite, test, type TestContext } from 'node:test';
import { buildExample, exampleManifest } from '../support/example-plugins.ts';
import type { LogLine } from '../support/logfmt.ts';
import { PulpProcess } from '../support/pulp-process.ts';

const signals = ['SIGTERM', 'SIGINT'] as const;

function startExample(t: TestContext, name: string, listens = true): Promise<PulpProcess> {
  return PulpProcess.start(t, { manifest: exampleManifest(name), listens });
}

/** Asserts that the log has these messages in this order, others between them or not. */
function assertOrder(pulp: PulpProcess, messages: readonly string[]): void {
  let at = -1;
  for (const message of messages) {
    const next = pulp.messages.indexOf(message, at + 1);
    assert.ok(next > at, `"${message}" is not in its place in:\n${pulp.dump()}`);
    at = next;
  }
}

function assertKeys(line: LogLine, keys: readonly string[]): void {
  assert.deepEqual(
    keys.filter((key) => !(key in line)),
    [],
    `keys that are missing in ${JSON.stringify(line)}`,
  );
}

for (const name of ['heartbeat', 'heartbeat-go']) {
  const skip = await buildExample(name);
  suite(`the plugin ${name}`, { skip }, () => {
    for (const signal of signals) {
      test(`boots, counts its steps, saw its config, and ends in order at ${signal}`, async (t) => {
        const pulp = await startExample(t, name, false);
        assert.equal((await pulp.line('step heartbeat'))['call_number'], '0');
        await pulp.line(`heartbeat: init, marker 424242`);
        // Some ticks of 10 ms, so that the last call is not the first.
        await new Promise((resolve) => setTimeout(resolve, 200));
        const end = await pulp.stop(signal);
        assert.deepEqual(end, { code: 0, signal: null, stderr: '' }, pulp.dump());

        const boot = await pulp.line('pulp boot');
        assertKeys(boot, ['plugin', 'version', 'manifest', 'wasm', 'capabilities', 'provides', 'consumes']);
        assert.equal(boot['plugin'], name);
        assert.equal(boot['version'], '0.1.0');
        assert.equal((await pulp.line('signal received'))['signal'], signal);
        assert.equal((await pulp.line('probe config marker'))['marker'], '424242');
        const lastCall = Number((await pulp.line('probe last envelope'))['last_call']);
        assert.ok(lastCall >= 1 && lastCall < 100_000, `the last call was ${lastCall}`);
        await pulp.line('shutdown complete', { plugin: name });
        assertOrder(pulp, [
          'pulp boot',
          'init complete',
          'step heartbeat',
          'signal received',
          'probe last envelope',
          'probe config marker',
          'shutdown complete',
          'pulp exit clean',
        ]);
        assert.equal(pulp.messages.at(-1), 'pulp exit clean');
        assert.ok(!pulp.messages.includes('http server started'), 'it listens without an inbound transport');
      });
    }
  });
}

for (const name of ['echo', 'welcome', 'echo-go']) {
  const skip = await buildExample(name);
  suite(`the plugin ${name}`, { skip }, () => {
    for (const signal of signals) {
      test(`answers both echo routes, and ends in order at ${signal}`, async (t) => {
        const pulp = await startExample(t, name);
        await pulp.line('http route registered', { plugin: name, method: 'GET', pattern: '/echo/:msg' });
        await pulp.line('http route registered', { plugin: name, method: 'POST', pattern: '/echo' });
        assert.equal((await pulp.line('http server started'))['tls'], 'false');

        const hello = await fetch(`${pulp.url}/echo/hello`);
        assert.equal(hello.status, 200);
        assert.equal(hello.headers.get('content-type'), 'text/plain; charset=utf-8');
        assert.equal(await hello.text(), 'hello');

        const body = Buffer.from([...Array(256).keys()]);
        const posted = await fetch(`${pulp.url}/echo`, {
          method: 'POST',
          body,
          headers: { 'Content-Type': 'application/x-test' },
        });
        assert.equal(posted.status, 200);
        assert.equal(posted.headers.get('content-type'), 'application/x-test');
        assert.deepEqual(Buffer.from(await posted.arrayBuffer()), body);

        const unknown = await fetch(`${pulp.url}/nowhere`);
        assert.equal(unknown.status, 404);
        assert.equal((await unknown.text()).trim(), '404 page not found');

        const end = await pulp.stop(signal);
        assert.deepEqual(end, { code: 0, signal: null, stderr: '' }, pulp.dump());
        assertOrder(pulp, [
          'pulp boot',
          'http route registered',
          'init complete',
          'http server started',
          'signal received',
          'shutdown complete',
          'pulp exit clean',
        ]);
      });
    }
  });
}

suite('the page of the plugin welcome', () => {
  test('shows what the guest saw of the request and the greeting of its config', async (t) => {
    await buildExample('welcome');
    const pulp = await startExample(t, 'welcome');
    const response = await fetch(`${pulp.url}/?name=%3Cb%3E`);
    assert.equal(response.status, 200);
    assert.match(response.headers.get('content-type') ?? '', /^text\/html/);
    const page = await response.text();
    assert.match(page, /Pulp is running/);
    assert.ok(!page.includes('<b>'), 'the page escapes what came with the request');
  });
});
