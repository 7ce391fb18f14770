import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { suite, test, type TestContext } from 'node:test';
import { EventSource } from 'eventsource';
import type { Page } from 'puppeteer-core';
import { WebSocket } from 'ws';
import { noBrowser, startBrowser } from '../support/browser.ts';
import { buildExample, exampleManifest } from '../support/example-plugins.ts';
import { patiently } from '../support/patiently.ts';
import { PulpProcess } from '../support/pulp-process.ts';

interface ChatEvent {
  readonly type: string;
  readonly name: string;
  readonly text: string;
  readonly online: number;
  readonly history: readonly ChatEvent[];
}

/** A person in the chat. */
class Person {
  readonly socket: WebSocket;
  readonly #events: ChatEvent[] = [];
  #wake = Promise.withResolvers<void>();

  private constructor(socket: WebSocket) {
    this.socket = socket;
    socket.on('message', (data: Buffer) => {
      this.#events.push(JSON.parse(data.toString()) as ChatEvent);
      this.#wake.resolve();
      this.#wake = Promise.withResolvers();
    });
  }

  static join(t: TestContext, pulp: PulpProcess, name: string): Person {
    const socket = new WebSocket(`ws://127.0.0.1:${pulp.port}/ws?name=${encodeURIComponent(name)}`);
    t.after(() => socket.terminate());
    return new Person(socket);
  }

  /** Takes the next event of a type; what came before it is forgotten. */
  async next(type: string): Promise<ChatEvent> {
    for (;;) {
      const event = this.#events.shift();
      if (event?.type === type) return event;
      if (event === undefined) await patiently(this.#wake.promise, () => `no event ${type}`);
    }
  }
}

/** A server that is asked for the weather. Gives its address. */
async function weatherServer(t: TestContext): Promise<string> {
  const server = createServer((request, response) => {
    if (request.url === '/api/S%C3%A3o%20Paulo') {
      response.setHeader('Content-Type', 'application/json');
      response.end('{"sky":"clear"}');
    } else {
      response.end(`<b>${request.url}</b>`);
    }
  });
  server.listen(0, '127.0.0.1');
  t.after(() => server.close());
  await new Promise((resolve) => {
    server.once('listening', resolve);
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/api/`;
}

/** The example's manifest with other weather, in a folder that goes with the test. */
async function manifestWith(t: TestContext, name: string, weather: string): Promise<string> {
  const original = exampleManifest(name);
  const folder = await mkdtemp(join(tmpdir(), 'pulp-test-chat-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  const text = (await readFile(original, 'utf8'))
    .replace(/^wasm = .*$/m, `wasm = ${JSON.stringify(join(dirname(original), 'build', `${name}.wasm`))}`)
    .replace(/^weather_url = .*$/m, `weather_url = ${JSON.stringify(weather)}`)
    .replace(/^ticker_seconds = .*$/m, 'ticker_seconds = 1');
  const file = join(folder, 'pulp.plugin.toml');
  await writeFile(file, text);
  return file;
}

/** A browser draws, and so clicks, only in the tab in front. */
async function says(page: Page, text: string): Promise<void> {
  await page.bringToFront();
  await page.type('#text', text);
  await page.click('#say button');
}

async function sees(page: Page, text: string): Promise<void> {
  const shown = `document.querySelector('#log').textContent.includes(${JSON.stringify(text)})`;
  await page.waitForFunction(shown, { polling: 100 });
}

async function start(t: TestContext, name: string): Promise<PulpProcess> {
  return PulpProcess.start(t, { manifest: exampleManifest(name) });
}

for (const name of ['chat', 'chat-go']) {
  const skip = await buildExample(name);
  suite(`the plugin ${name}`, { skip }, () => {
    test('carries what one says to all, and tells who comes and goes', async (t) => {
      const pulp = await start(t, name);
      const ada = Person.join(t, pulp, 'Ada');
      assert.deepEqual((await ada.next('welcome')).online, 1);
      const bob = Person.join(t, pulp, 'Ada');
      const other = (await bob.next('welcome')).name;
      assert.match(other, /^Ada-\d+$/);
      assert.equal((await ada.next('joined')).name, other);
      ada.socket.send('grüße\u2028<b>');
      for (const person of [ada, bob]) {
        const { name: from, text } = await person.next('message');
        assert.deepEqual([from, text], ['Ada', 'grüße <b>']);
      }
      bob.socket.send(' '.repeat(3));
      await bob.next('refused');
      bob.socket.close();
      assert.equal((await ada.next('left')).name, other);
      const carl = Person.join(t, pulp, '');
      const { history } = await carl.next('welcome');
      assert.deepEqual(
        history.map(({ text }) => text),
        ['grüße <b>'],
      );
      ada.socket.send(Buffer.of(1), { binary: true });
      const code = await patiently(
        new Promise((resolve) => {
          ada.socket.once('close', resolve);
        }),
        () => 'the connection was not closed',
      );
      assert.equal(code, 1003);
      assert.equal((await pulp.stop()).code, 0, pulp.dump());
    });

    test('tells messages and a ticker as server-sent events', async (t) => {
      const pulp = await PulpProcess.start(t, { manifest: await manifestWith(t, name, '') });
      const feed = new EventSource(`${pulp.url}/events`);
      t.after(() => feed.close());
      const heard = (type: string): Promise<MessageEvent> =>
        patiently(
          new Promise((resolve) => {
            feed.addEventListener(type, resolve, { once: true });
          }),
          () => `no ${type} event`,
        );
      const tick = JSON.parse(String((await heard('ticker')).data)) as { online: number; messages: number };
      assert.deepEqual([tick.online, tick.messages], [0, 0]);
      const message = heard('message');
      const ada = Person.join(t, pulp, 'Ada');
      await ada.next('welcome');
      ada.socket.send('hello');
      const { data, lastEventId } = await message;
      assert.deepEqual([(JSON.parse(String(data)) as ChatEvent).text, lastEventId], ['hello', '1']);
    });

    test('asks another server for the weather, and says why when that fails', async (t) => {
      const weather = await weatherServer(t);
      const pulp = await PulpProcess.start(t, {
        manifest: await manifestWith(t, name, weather),
        args: ['-allow-private-network'],
      });
      const clear = await fetch(`${pulp.url}/weather/${encodeURIComponent('São Paulo')}`);
      assert.deepEqual([clear.status, await clear.json()], [200, { sky: 'clear' }]);
      const plain = await fetch(`${pulp.url}/weather/Lisbon`);
      assert.equal(await plain.text(), '<b>/api/Lisbon</b>');
      assert.equal(plain.headers.get('content-type'), 'text/plain; charset=utf-8');
      const closed = await start(t, name);
      const failed = await fetch(`${closed.url}/weather/Lisbon`);
      assert.equal(failed.status, 502);
      assert.match(((await failed.json()) as { error: string }).error, /^the weather server: /);
    });

    test('two tabs of a browser talk to each other', { skip: noBrowser }, async (t) => {
      const pulp = await start(t, name);
      const browser = await startBrowser(t);
      const tab = async (who: string): Promise<Page> => {
        const page = await browser.newPage();
        await page.goto(`${pulp.url}/`);
        await page.type('#name', who);
        await page.click('#join button');
        await page.waitForSelector('#light.on');
        return page;
      };
      const [ada, bob] = [await tab('Ada'), await tab('Bob')];
      await says(ada, 'hello <i>Bob</i>');
      await sees(bob, 'hello <i>Bob</i>');
      await says(bob, 'hello Ada');
      await sees(ada, 'hello Ada');
      assert.equal(await bob.evaluate("document.querySelectorAll('#log i').length"), 0);
    });
  });
}
