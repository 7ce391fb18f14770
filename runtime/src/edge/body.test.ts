import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { collectBody } from './body.ts';
import { Budget } from './budget.ts';
import { exchange, type Exchange } from './exchange.suite.ts';

const chunked = ['Transfer-Encoding', 'chunked'];

interface Collected extends Exchange {
  readonly budget: Budget;
  /** The bodies that were handed over: one at most. */
  readonly bodies: Uint8Array[];
}

function collect(
  lines: readonly string[],
  { maxBytes = 1000, budget = new Budget(1_000_000) } = {},
): Collected {
  const made = exchange('POST', lines);
  const bodies: Uint8Array[] = [];
  collectBody(made.incoming, { maxBytes, budget }, (body) => bodies.push(body));
  return { ...made, budget, bodies };
}

/** Lets the streams run. */
async function turns(): Promise<void> {
  for (let turn = 0; turn < 4; turn++) await new Promise((resolve) => setImmediate(resolve));
}

/** Sends chunks one by one. */
async function feed({ request }: Exchange, chunks: readonly (string | null)[]): Promise<void> {
  for (const chunk of chunks) {
    if (!request.destroyed) request.push(chunk === null ? null : Buffer.from(chunk));
    await turns();
  }
}

suite('collectBody', () => {
  test('a request without a body has an empty one at once', () => {
    const { bodies } = collect([]);
    assert.deepEqual(
      bodies.map(({ length }) => length),
      [0],
    );
  });

  test('a body is handed over whole, in one piece or in many', async () => {
    for (const chunks of [['hello'], ['h', 'el', 'lo'], ['h', 'e', 'l', 'l', 'o'], []]) {
      const made = collect(chunked);
      await feed(made, [...chunks, null]);
      assert.deepEqual(
        made.bodies.map((body) => Buffer.from(body).toString()),
        [chunks.join('')],
      );
      assert.equal(made.budget.used, 0);
      assert.equal(made.sent(), '');
    }
  });

  test('a body of any cut is the bytes that were sent', async () => {
    const whole = Array.from({ length: 900 }, (_, index) => String.fromCharCode(32 + (index % 90))).join('');
    const made = collect(chunked);
    const chunks: string[] = [];
    for (let at = 0; at < whole.length;) {
      const size = 1 + ((at * 7) % 41);
      chunks.push(whole.slice(at, at + size));
      at += size;
    }
    await feed(made, [...chunks, null]);
    assert.equal(Buffer.from(made.bodies[0] ?? []).toString(), whole);
  });

  test('a body may have the largest size, and one byte more is 413 and the end of the connection', async () => {
    const fits = collect(chunked, { maxBytes: 10 });
    await feed(fits, ['12345', '67890', null]);
    assert.equal(fits.bodies.length, 1);
    const large = collect(chunked, { maxBytes: 10 });
    await feed(large, ['12345', '678901', 'more', null]);
    assert.deepEqual(large.bodies, []);
    assert.match(large.sent(), /^HTTP\/1\.1 413 [^]*\r\nConnection: close\r\n/);
    assert.equal(large.budget.used, 0);
  });

  test('a length that is announced and too large is 413 before anything is read', async () => {
    for (const [lines, refused] of [
      [['Content-Length', '11'], true],
      [['Content-Length', '99999999999999999999'], true],
      [['X-Odd', 'Content-Length', 'Content-Length', '11'], true],
      [['Content-Length', '10'], false],
      [['X-Odd', 'Content-Length', '99', 'x', 'Content-Length', '10'], false],
    ] as const) {
      const made = collect(lines, { maxBytes: 10 });
      await turns();
      assert.equal(made.sent().startsWith('HTTP/1.1 413 '), refused, lines.join(' '));
    }
  });

  test('what the bodies of the host hold together is bounded: 503, and the end of the connection', async () => {
    const budget = new Budget(100);
    const one = collect(chunked, { budget });
    await feed(one, ['x'.repeat(80)]);
    assert.equal(budget.used, 81);
    const two = collect(chunked, { budget });
    await feed(two, ['x'.repeat(15), 'x'.repeat(15)]);
    assert.match(two.sent(), /^HTTP\/1\.1 503 [^]*\r\nRetry-After: 1\r\n/);
    assert.match(two.sent(), /\r\nConnection: close\r\n/);
    assert.equal(budget.used, 81);
    await feed(two, ['more', null]);
    assert.deepEqual(two.bodies, []);
    await feed(one, [null]);
    assert.equal(one.bodies.length, 1);
    assert.equal(budget.used, 0);
  });

  test('a head counts until its body is there, and gets 503 where there is no room for it', async () => {
    const budget = new Budget(1000);
    const lines = [...chunked, 'X-Large', 'v'.repeat(600)];
    const one = collect(lines, { budget });
    assert.equal(budget.used, '/X-Large'.length + 600);
    const two = collect(lines, { budget });
    assert.match(two.sent(), /^HTTP\/1\.1 503 /);
    assert.match(two.sent(), /\r\nConnection: close\r\n/);
    await feed(one, [null]);
    assert.equal(one.bodies.length, 1);
    assert.equal(budget.used, 0);
  });

  test('never holds more than it has taken from the budget', async () => {
    const budget = new Budget(1_000_000);
    const made = collect(chunked, { budget, maxBytes: 10_000 });
    let sent = 0;
    for (const size of [1, 1, 10, 100, 5000, 1, 4000]) {
      sent += size;
      await feed(made, ['x'.repeat(size)]);
      assert.ok(budget.used >= sent && budget.used <= 10_000 + '/'.length, `${budget.used} for ${sent}`);
    }
    await feed(made, [null]);
    assert.equal(budget.used, 0);
  });

  test('a client that leaves is forgotten, and what it held is given back', async () => {
    const made = collect(chunked);
    await feed(made, ['hello']);
    assert.equal(made.budget.used, '/hello'.length);
    made.request.destroy();
    await turns();
    assert.equal(made.budget.used, 0);
    assert.deepEqual(made.bodies, []);
    assert.equal(made.sent(), '');
  });
});
