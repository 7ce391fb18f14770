import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { EventSource } from 'eventsource';
import { breakableProxy } from '../support/breakable-proxy.ts';
import { noBrowser, startBrowser } from '../support/browser.ts';
import { patiently } from '../support/patiently.ts';
import type { PulpProcess } from '../support/pulp-process.ts';
import { eventually } from '../support/sse-client.ts';
import { emitMessage, seen, sendMessage, startSse, tell, type SseFields } from '../support/sse-guest.ts';
import { respond } from '../support/wat-guest.ts';

/** An event as a client has it. */
interface Got {
  readonly type: string;
  readonly data: string;
  readonly id: string;
}

/** What is emitted, and what every client has to make of it. */
const emitted: readonly (readonly [SseFields, Got])[] = [
  [{ data: 'plain' }, { type: 'message', data: 'plain', id: '' }],
  [
    { id: '1', data: 'with an id' },
    { type: 'message', data: 'with an id', id: '1' },
  ],
  [
    { event: 'news', data: 'by its name' },
    { type: 'news', data: 'by its name', id: '1' },
  ],
  [{ data: 'a\r\nb\rc\nd\n' }, { type: 'message', data: 'a\nb\nc\nd\n', id: '1' }],
  [{ data: '' }, { type: 'message', data: '', id: '1' }],
  [{ data: '  blanks ' }, { type: 'message', data: '  blanks ', id: '1' }],
  [
    { data: ':no comment\ndata: x\n\nid: 9' },
    { type: 'message', data: ':no comment\ndata: x\n\nid: 9', id: '1' },
  ],
  [
    { id: 'ä 2', event: 'news', data: 'ä€😀' },
    { type: 'news', data: 'ä€😀', id: 'ä 2' },
  ],
  [
    { id: '3', data: 'x'.repeat(100_000) },
    { type: 'message', data: 'x'.repeat(100_000), id: '3' },
  ],
];

async function emitAll(pulp: PulpProcess): Promise<void> {
  for (const [fields] of emitted) {
    const bytes = Object.entries(fields).map(([key, value]: [string, string]) => [
      key,
      Buffer.from(value).toString('latin1'),
    ]);
    assert.deepEqual(await tell(pulp, 'emit', emitMessage('/events', Object.fromEntries(bytes))), [0]);
  }
}

const expected = emitted.map(([, got]) => got);

suite('the package eventsource', { concurrency: 2 }, () => {
  test('gets every event as it was meant', async (t) => {
    const pulp = await startSse(t, { paths: ['/events'] });
    const source = new EventSource(`${pulp.url}/events`);
    t.after(() => source.close());
    const got: Got[] = [];
    const { promise: opened, resolve } = Promise.withResolvers<void>();
    const { promise: complete, resolve: finish } = Promise.withResolvers<void>();
    source.addEventListener('open', () => resolve());
    for (const name of ['message', 'news']) {
      source.addEventListener(name, ({ type, data, lastEventId }: MessageEvent) => {
        got.push({ type, data: String(data), id: lastEventId });
        if (got.length === expected.length) finish();
      });
    }
    await patiently(opened, () => 'it did not open');
    await emitAll(pulp);
    await patiently(complete, () => `${got.length} events came`);
    assert.deepEqual(got, expected);
  });

  test('connects again when its connection breaks, and says which event was its last', async (t) => {
    const pulp = await startSse(t, { paths: ['/events'] }, { options: 'events = true' });
    const proxy = await breakableProxy(t, pulp.port);
    const source = new EventSource(`http://127.0.0.1:${proxy.port}/events`);
    t.after(() => source.close());
    const got: string[] = [];
    source.addEventListener('message', ({ data }: MessageEvent) => got.push(String(data)));
    await eventually(
      () => seen(pulp),
      (list) => list.length === 1,
    );
    await tell(pulp, 'emit', emitMessage('/events', { id: 'seven', data: 'before' }));
    await eventually(
      () => Promise.resolve(got),
      (list) => list.length === 1,
    );
    proxy.break();
    const [, left, again] = await eventually(
      () => seen(pulp),
      (list) => list.length === 3,
    );
    assert.ok(left?.path === undefined && again !== undefined);
    assert.equal(again.headers?.get('Last-Event-Id'), 'seven');
    await tell(pulp, 'send', sendMessage(again.id, { id: 'eight', data: 'missed' }));
    await eventually(
      () => Promise.resolve(got),
      (list) => list.length === 2,
    );
    assert.deepEqual(got, ['before', 'missed']);
  });
});

/** What a page does with a stream, for `evaluate`: it runs in the browser. */
const listen = (path: string): string => `
  globalThis.got = [];
  globalThis.states = [];
  globalThis.source = new EventSource('${path}');
  for (const name of ['message', 'news']) {
    source.addEventListener(name, ({ type, data, lastEventId }) => got.push({ type, data, id: lastEventId }));
  }
  source.addEventListener('error', () => states.push(source.readyState));
  new Promise((resolve) => source.addEventListener('open', () => resolve(), { once: true }))`;

suite('a browser', { skip: noBrowser }, () => {
  test('gets every event as it was meant, connects again, and says which event was its last', async (t) => {
    const pulp = await startSse(
      t,
      {
        paths: ['/events'],
        routes: {
          'GET /page': respond({ headers: [['Content-Type', 'text/html']], body: '<!doctype html>' }),
        },
      },
      { options: 'events = true' },
    );
    const proxy = await breakableProxy(t, pulp.port);
    const browser = await startBrowser(t);
    const page = await browser.newPage();
    await page.goto(`http://127.0.0.1:${proxy.port}/page`);
    const got = async (count: number): Promise<readonly Got[]> => {
      await page.waitForFunction(`got.length >= ${count}`);
      return (await page.evaluate('got')) as readonly Got[];
    };

    await page.evaluate(listen('/events?page=1'));
    await emitAll(pulp);
    assert.deepEqual(await got(expected.length), expected);

    proxy.break();
    const [first, left, again] = await eventually(
      () => seen(pulp),
      (list) => list.length === 3,
    );
    assert.deepEqual(left, { id: first?.id ?? 0 });
    assert.ok(again !== undefined);
    assert.equal(again.headers?.get('Last-Event-Id'), '3');
    assert.equal(again.headers?.get('Accept'), 'text/event-stream');
    assert.deepEqual(await page.evaluate('states'), [0], 'it was connecting again');
    await tell(pulp, 'send', sendMessage(again.id, { event: 'news', id: '4', data: 'missed' }));
    const last = (await got(expected.length + 1)).at(-1);
    assert.deepEqual(last, { type: 'news', data: 'missed', id: '4' });

    // A page that is closed is a client that leaves.
    await page.close();
    await eventually(
      () => seen(pulp),
      (list) => list.at(-1)?.path === undefined && list.at(-1)?.id === again.id,
    );
  });

  test('several pages have each its own stream', async (t) => {
    const pulp = await startSse(
      t,
      {
        paths: ['/events'],
        welcome: 'welcome',
        routes: {
          'GET /page': respond({ headers: [['Content-Type', 'text/html']], body: '<!doctype html>' }),
        },
      },
      { options: 'events = true' },
    );
    const browser = await startBrowser(t);
    const pages = await Promise.all([browser.newPage(), browser.newPage()]);
    for (const page of pages) {
      await page.goto(`${pulp.url}/page`);
      await page.evaluate(listen('/events'));
    }
    const [, second] = await eventually(
      () => seen(pulp),
      (list) => list.length === 2,
    );
    await tell(pulp, 'emit', emitMessage('/events', { data: 'to all' }));
    await tell(pulp, 'send', sendMessage(second?.id ?? 0, { data: 'to the second' }));
    for (const [index, page] of pages.entries()) {
      const texts = ['welcome', 'to all', ...(index === 1 ? ['to the second'] : [])];
      await page.waitForFunction(`got.length === ${texts.length}`);
      assert.deepEqual(await page.evaluate('got.map(({ data }) => data)'), texts);
    }
  });
});
