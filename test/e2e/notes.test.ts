import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite, test, type TestContext } from 'node:test';
import { noBrowser, startBrowser } from '../support/browser.ts';
import { buildExample, exampleManifest } from '../support/example-plugins.ts';
import { PulpProcess } from '../support/pulp-process.ts';

interface Note {
  readonly id: number;
  readonly title: string;
  readonly text: string;
  readonly created: string;
  readonly changed: string;
}

interface Answer {
  readonly status: number;
  readonly body: unknown;
}

async function storage(t: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'pulp-test-notes-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

function start(t: TestContext, name: string, root: string): Promise<PulpProcess> {
  return PulpProcess.start(t, { manifest: exampleManifest(name), args: ['-storage-root', root] });
}

function client(pulp: PulpProcess) {
  const send = async (method: string, path: string, init: RequestInit = {}): Promise<Answer> => {
    const response = await fetch(`${pulp.url}${path}`, { method, ...init });
    const text = await response.text();
    const isJson = response.headers.get('content-type') === 'application/json';
    return { status: response.status, body: isJson ? JSON.parse(text) : text };
  };
  return {
    send,
    json: (method: string, path: string, value: unknown) =>
      send(method, path, { body: JSON.stringify(value), headers: { 'Content-Type': 'application/json' } }),
  };
}

for (const name of ['notes', 'notes-go']) {
  const skip = await buildExample(name);
  suite(`the plugin ${name}`, { skip }, () => {
    test('keeps notes: adds, finds, changes and removes them', async (t) => {
      const pulp = await start(t, name, await storage(t));
      const { send, json } = client(pulp);
      const { status, body } = await json('POST', '/notes', {
        title: ' Grüße ',
        text: "it's 100 % 'fine'; --",
      });
      const first = body as Note;
      assert.deepEqual([status, first.title, first.text], [201, 'Grüße', "it's 100 % 'fine'; --"]);
      assert.ok(Math.abs(Date.parse(first.created) - Date.now()) < 60_000, first.created);
      const second = (await json('POST', '/notes', { title: 'Other' })).body as Note;
      const list = async (query = ''): Promise<number[]> =>
        ((await send('GET', `/notes${query}`)).body as { notes: Note[] }).notes.map(({ id }) => id);
      assert.deepEqual(await list(), [second.id, first.id]);
      assert.deepEqual(await list(`?before=${second.id}`), [first.id]);
      assert.deepEqual(await list(`?search=${encodeURIComponent('100 %')}`), [first.id]);
      assert.deepEqual(await list('?search=_'), []);
      const changed = (await json('PUT', `/notes/${first.id}`, { title: 'New', text: 'x' })).body as Note;
      assert.deepEqual([changed.title, changed.created], ['New', first.created]);
      assert.deepEqual((await send('GET', `/notes/${first.id}`)).body, changed);
      assert.equal((await send('DELETE', `/notes/${second.id}`)).status, 204);
      assert.equal((await send('GET', `/notes/${second.id}`)).status, 404);
      const third = (await json('POST', '/notes', { title: 'Third' })).body as Note;
      assert.ok(third.id > second.id, 'an id is never used twice');
    });

    test('refuses what is no note', async (t) => {
      const pulp = await start(t, name, await storage(t));
      const { send, json } = client(pulp);
      for (const wrong of ['{', '[]', '{"title": 1}', '{"title": " "}', `{"title": "${'x'.repeat(201)}"}`]) {
        const headers = { 'Content-Type': 'application/json' };
        const { status } = await send('POST', '/notes', { body: wrong, headers });
        assert.equal(status, 400, wrong);
      }
      assert.equal((await send('POST', '/notes', { body: '{"title": "x"}' })).status, 415);
      assert.equal((await json('PUT', '/notes/7', { title: 'x' })).status, 404);
      assert.equal((await send('GET', '/notes/none')).status, 404);
    });

    test('keeps attachments with their note', async (t) => {
      const pulp = await start(t, name, await storage(t));
      const { send, json } = client(pulp);
      const { id } = (await json('POST', '/notes', { title: 'With files' })).body as Note;
      const path = `/notes/${id}/files`;
      const bytes = Uint8Array.from({ length: 100_000 }, (_, index) => index * 7);
      const file = `${path}/${encodeURIComponent('ein Bild.png')}`;
      assert.equal((await send('PUT', file, { body: bytes })).status, 201);
      assert.equal((await send('PUT', file, { body: bytes })).status, 204);
      assert.deepEqual((await send('GET', path)).body, ['ein Bild.png']);
      const response = await fetch(`${pulp.url}${file}`);
      assert.deepEqual(new Uint8Array(await response.arrayBuffer()), bytes);
      assert.equal(response.headers.get('content-disposition'), 'attachment');
      for (const wrong of ['..%2fx', '.hidden', 'a%5cb', 'x'.repeat(101)]) {
        assert.equal((await send('PUT', `${path}/${wrong}`, { body: 'x' })).status, 400, wrong);
      }
      assert.equal((await send('DELETE', file)).status, 204);
      assert.equal((await send('GET', file)).status, 404);
      for (let index = 0; index < 20; index++) await send('PUT', `${path}/file${index}`, { body: 'x' });
      assert.equal((await send('PUT', `${path}/one-more`, { body: 'x' })).status, 409);
      assert.equal((await send('DELETE', `/notes/${id}`)).status, 204);
      assert.equal((await send('GET', path)).status, 404);
    });

    test('has everything again after a restart of the host', async (t) => {
      const root = await storage(t);
      const before = await start(t, name, root);
      const { json, send } = client(before);
      const note = (await json('POST', '/notes', { title: 'Stays', text: 'here' })).body as Note;
      await send('PUT', `/notes/${note.id}/files/a`, { body: 'alpha' });
      assert.equal((await before.stop()).code, 0, before.dump());
      const after = client(await start(t, name, root));
      assert.deepEqual((await after.send('GET', `/notes/${note.id}`)).body, note);
      assert.equal((await after.send('GET', `/notes/${note.id}/files/a`)).body, 'alpha');
    });

    test('has a page on which a note is written and found again', { skip: noBrowser }, async (t) => {
      const pulp = await start(t, name, await storage(t));
      const browser = await startBrowser(t);
      const page = await browser.newPage();
      await page.goto(`${pulp.url}/`);
      await page.type('#title', 'From <b>the</b> page');
      await page.type('#text', 'some text');
      await page.click('#edit button:not([type])');
      const entry = '#list b';
      await page.waitForSelector(entry);
      await page.reload();
      await page.waitForSelector(entry);
      assert.equal(await page.$eval(entry, ({ textContent }) => textContent), 'From <b>the</b> page');
      await page.click('#list button');
      await page.waitForFunction("document.querySelector('#text').value === 'some text'");
    });
  });
}
