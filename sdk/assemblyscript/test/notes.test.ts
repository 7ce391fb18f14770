import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, suite, test } from 'node:test';
import { Script } from 'node:vm';
import { encode, type Encodable } from '../../../runtime/src/abi/msgpack/value.ts';
import { buildPlugins } from '../../../scripts/build-plugins.ts';
import { fakeDatabase } from './fake-database.ts';
import { fakeFiles } from './fake-files.ts';
import type { HostFunction } from './fake-host.ts';
import { type Answer, Guest, hostImports, request, text } from './harness.ts';

const json = { 'Content-Type': 'application/json' };

function body(answer: Answer | undefined): Readonly<Record<string, unknown>> {
  const value: unknown = JSON.parse(text(answer));
  assert(typeof value === 'object' && value !== null);
  return { ...value };
}

function add(guest: Guest, fields: Encodable | string): Answer | undefined {
  const content = typeof fields === 'string' ? fields : JSON.stringify(fields);
  return guest.request({ method: 'POST', path: '/notes', headers: json, body: content });
}

function one(guest: Guest, method: string, id: string, fields?: Encodable): Answer | undefined {
  const content = fields === undefined ? '' : JSON.stringify(fields);
  return guest.request({ method, path: `/notes/${id}`, params: { id }, headers: json, body: content });
}

function list(guest: Guest, query: { readonly [key: string]: string } = {}): unknown[] {
  const { notes } = body(guest.request({ path: '/notes', query }));
  assert(Array.isArray(notes));
  return notes.map((note: { title: string }) => note.title);
}

function file(
  guest: Guest,
  method: string,
  name: string,
  content: Uint8Array | string = '',
): Answer | undefined {
  return guest.request({
    method,
    path: '/notes/1/files/x',
    params: { id: '1', name },
    body: Uint8Array.from(Buffer.from(content)),
  });
}

suite('the plugin notes', () => {
  let plugin: WebAssembly.Module;
  before(async () => {
    await buildPlugins({ only: ['notes'] });
    plugin = new WebAssembly.Module(
      readFileSync(join(import.meta.dirname, '../../../plugins/notes/build/notes.wasm')),
    );
  });

  function start(files = new Map<string, Buffer>(), host: Record<string, HostFunction> = {}): Guest {
    const guest = new Guest(plugin, { host: { ...fakeDatabase(), ...fakeFiles(files), ...host } });
    assert.equal(guest.init({ title: 'Notes' }), 0);
    return guest;
  }

  test('imports the functions of its three capabilities and no others', () => {
    for (const name of hostImports(plugin)) assert.match(name, /^(?:http_re|sqlite_|fs_)/);
  });

  test('a database that cannot be opened fails init with the reason', () => {
    const guest = new Guest(plugin, {
      host: { sqlite_exec: () => 5, sqlite_error: () => Buffer.from('disk full') },
    });
    assert.notEqual(guest.init(), 0);
    assert.equal(guest.initError, 'the database: disk full');
    const undeclared = new Guest(plugin, { host: { sqlite_exec: () => 99, sqlite_error: () => 99 } });
    assert.notEqual(undeclared.init(), 0);
    assert.equal(undeclared.initError, 'the database: code 99');
  });

  test('the page has the title escaped, loads nothing from elsewhere, and its script is JavaScript', () => {
    const guest = new Guest(plugin, { host: fakeDatabase() });
    assert.equal(guest.init({ title: '<b>&' }), 0);
    const answer = guest.request({ path: '/' });
    assert.match(text(answer), /<h1>&lt;b&gt;&amp;<\/h1>/);
    assert.doesNotMatch(text(answer), /https?:|\/\//);
    assert.match(
      JSON.stringify(answer?.headers.get('Content-Security-Policy')),
      /^"default-src 'none'; script-src 'self';/,
    );
    const script = text(guest.request({ path: '/notes.js' }));
    assert.doesNotMatch(script, /innerHTML|insertAdjacentHTML|outerHTML|document\.write/);
    assert.doesNotThrow(() => new Script(script));
  });

  test('a note is added, read, replaced and removed', () => {
    const guest = start();
    const added = add(guest, { title: ' grüße "<', text: 'line\nline \u{1f34a}' });
    assert.equal(added?.status, 201n);
    assert.equal(added.headers.get('Location'), '/notes/1');
    const note = body(added);
    assert.deepEqual([note['id'], note['title'], note['text']], [1, 'grüße "<', 'line\nline \u{1f34a}']);
    assert.equal(note['created'], '1970-01-01T00:00:00.000Z');
    assert.deepEqual(body(one(guest, 'GET', '1')), note);

    const changed = one(guest, 'PUT', '1', { title: 'b' });
    assert.equal(changed?.status, 200n);
    assert.deepEqual([body(changed)['title'], body(changed)['text']], ['b', '']);

    assert.equal(one(guest, 'DELETE', '1')?.status, 204n);
    for (const method of ['GET', 'DELETE']) assert.equal(one(guest, method, '1')?.status, 404n);
    assert.equal(one(guest, 'PUT', '1', { title: 'c' })?.status, 404n);
    assert.equal(body(add(guest, { title: 'd' }))['id'], 2, 'an id is never used twice');
  });

  test('times are those of the step', () => {
    const guest = start();
    add(guest, { title: 'a' });
    const put = {
      method: 'PUT',
      path: '/notes/1',
      params: { id: '1' },
      headers: json,
      body: '{"title":"b"}',
    };
    guest.step(encode({ kind: 'http.request', payload: { ...request, ...put } }), 1_767_323_045_678_900_000n);
    assert.equal(body(guest.answers.at(-1))['created'], '1970-01-01T00:00:00.000Z');
    assert.equal(body(guest.answers.at(-1))['changed'], '2026-01-02T03:04:05.678Z');
  });

  test('what is no note is refused with the reason', () => {
    const guest = start();
    for (const content of [
      '',
      'x',
      '{',
      '[]',
      'null',
      '{"title":1}',
      '{"title":null}',
      '{"text":"x"}',
      '{"title":"x","text":1}',
      "{title:'x'}",
      '{"title":"  "}',
      JSON.stringify({ title: 'x'.repeat(201) }),
      JSON.stringify({ title: 'x', text: 'y'.repeat(100_001) }),
      '['.repeat(100_000),
    ]) {
      const answer = add(guest, content);
      assert.equal(answer?.status, 400n, content.slice(0, 40));
      assert.ok(String(body(answer)['error']).length > 10);
    }
    const form = { method: 'POST', path: '/notes', body: '{"title":"x"}' };
    for (const type of ['', 'text/plain', 'application/x-www-form-urlencoded'])
      assert.equal(guest.request({ ...form, headers: { 'Content-Type': type } })?.status, 415n);
    assert.deepEqual(list(guest), []);
    assert.equal(
      add(guest, { title: 'x'.repeat(200), text: 'y'.repeat(100_000) })?.status,
      201n,
      'and the longest is taken',
    );
  });

  test('what is no id is no note', () => {
    const guest = start();
    add(guest, { title: 'a' });
    for (const id of [
      '',
      '0',
      '-1',
      '1.0',
      '1x',
      ' 1',
      '01x',
      '9'.repeat(18),
      '9'.repeat(30),
      "1' OR '1'='1",
    ])
      assert.equal(one(guest, 'GET', id)?.status, 404n, id);
  });

  test('the newest come first, 50 at a time', () => {
    const guest = start();
    for (let i = 1; i <= 51; i++) add(guest, { title: `n${i}` });
    const first = body(guest.request({ path: '/notes' }));
    assert.equal(first['more'], true);
    assert.deepEqual(list(guest).slice(0, 2), ['n51', 'n50']);
    assert.equal(list(guest).length, 50);
    assert.deepEqual(list(guest, { before: '2' }), ['n1']);
    assert.equal(body(guest.request({ path: '/notes', query: { before: '51' } }))['more'], false);
  });

  test('a search finds words in titles and texts, letter for letter', () => {
    const guest = start();
    add(guest, { title: 'Shopping', text: 'milk, 100% juice' });
    add(guest, { title: 'a_b', text: String.raw`back\slash` });
    add(guest, { title: 'aXb', text: "it's 1000 juicy" });
    assert.deepEqual(list(guest, { search: 'shop' }), ['Shopping']);
    assert.deepEqual(list(guest, { search: '0%' }), ['Shopping']);
    assert.deepEqual(list(guest, { search: 'a_b' }), ['a_b']);
    assert.deepEqual(list(guest, { search: String.raw`k\s` }), ['a_b']);
    assert.deepEqual(list(guest, { search: "it's" }), ['aXb']);
    assert.deepEqual(list(guest, { search: 'juic' }), ['aXb', 'Shopping']);
    assert.deepEqual(list(guest, { search: 'nowhere' }), []);
    assert.equal(guest.request({ path: '/notes', query: { search: 'x'.repeat(201) } })?.status, 400n);
  });

  test('an attachment is stored, listed, given to be saved, replaced and removed', () => {
    const files = new Map<string, Buffer>();
    const guest = start(files);
    add(guest, { title: 'a' });
    assert.equal(file(guest, 'PUT', 'grüße 1.html', Buffer.of(0, 255))?.status, 201n);
    assert.deepEqual([...files.keys()], ['notes/1/grüße 1.html']);
    const names = guest.request({ path: '/notes/1/files', params: { id: '1' } });
    assert.equal(text(names), '["grüße 1.html"]');
    const got = file(guest, 'GET', 'grüße 1.html');
    assert.deepEqual(got?.body, Uint8Array.of(0, 255));
    assert.deepEqual(
      ['Content-Type', 'Content-Disposition', 'X-Content-Type-Options', 'Content-Security-Policy'].map(
        (name) => got.headers.get(name),
      ),
      ['application/octet-stream', 'attachment', 'nosniff', "default-src 'none'; sandbox"],
    );
    assert.equal(file(guest, 'PUT', 'grüße 1.html', '')?.status, 204n);
    assert.equal(file(guest, 'GET', 'grüße 1.html')?.body.length, 0);
    assert.equal(file(guest, 'DELETE', 'grüße 1.html')?.status, 204n);
    for (const method of ['GET', 'DELETE']) assert.equal(file(guest, method, 'grüße 1.html')?.status, 404n);
    assert.equal(text(guest.request({ path: '/notes/1/files', params: { id: '1' } })), '[]');
  });

  test('names that lead elsewhere, or are none, are refused before any file is touched', () => {
    const guest = start(new Map([['secret', Buffer.from('x')]]));
    add(guest, { title: 'a' });
    guest.host.calls.length = 0;
    const names = [
      '',
      '.',
      '..',
      '../../secret',
      '../2/x',
      'a/b',
      String.raw`a\b`,
      '.hidden',
      'a\0b',
      'a\nb',
    ];
    for (const name of [
      ...names,
      '\u0085',
      '\ufffd',
      'x'.repeat(101),
      'ü'.repeat(100) + 'x',
      '漢'.repeat(86),
    ]) {
      for (const method of ['PUT', 'GET', 'DELETE'])
        assert.equal(file(guest, method, name)?.status, 400n, name);
    }
    assert.deepEqual(
      guest.host.calls.filter(({ name }) => name.startsWith('fs_')),
      [],
    );
    assert.equal(file(guest, 'PUT', '漢'.repeat(85))?.status, 201n);
  });

  test('files of a note that is not there are 404, and go with their note', () => {
    const files = new Map<string, Buffer>();
    const guest = start(files);
    for (const method of ['PUT', 'GET', 'DELETE']) assert.equal(file(guest, method, 'a')?.status, 404n);
    assert.equal(guest.request({ path: '/notes/1/files', params: { id: '1' } })?.status, 404n);
    add(guest, { title: 'a' });
    file(guest, 'PUT', 'a', 'x');
    files.set('notes/10/b', Buffer.from('another note'));
    one(guest, 'DELETE', '1');
    assert.deepEqual([...files.keys()], ['notes/10/b']);
  });

  test('a note has at most 20 files, and one of them may still be replaced', () => {
    const guest = start();
    add(guest, { title: 'a' });
    for (let i = 0; i < 20; i++) assert.equal(file(guest, 'PUT', `f${i}`)?.status, 201n);
    assert.equal(file(guest, 'PUT', 'f20')?.status, 409n);
    assert.equal(file(guest, 'PUT', 'f7', 'x')?.status, 204n);
  });

  test('no room is 507, any other failure 500 with its reason in the log alone', () => {
    const full = start(new Map(), { fs_write: () => 5 });
    add(full, { title: 'a' });
    assert.equal(file(full, 'PUT', 'a', 'x')?.status, 507n);

    const refused = start(new Map(), {
      fs_write: () => 4,
      fs_read: () => 5,
      fs_list: () => 5,
      fs_delete: () => 5,
    });
    add(refused, { title: 'a' });
    for (const method of ['PUT', 'GET', 'DELETE']) assert.equal(file(refused, method, 'a')?.status, 500n);
    assert.equal(refused.request({ path: '/notes/1/files', params: { id: '1' } })?.status, 500n);

    const database = fakeDatabase();
    let down = false;
    const broken = start(new Map(), {
      sqlite_query: (...inputs) => (down ? 5 : database['sqlite_query']?.(...inputs)),
      sqlite_exec: (...inputs) => (down ? 5 : database['sqlite_exec']?.(...inputs)),
      sqlite_error: () => Buffer.from('secret words'),
    });
    down = true;
    for (const answer of [
      one(broken, 'GET', '1'),
      broken.request({ path: '/notes' }),
      one(broken, 'DELETE', '1'),
    ]) {
      assert.equal(answer?.status, 500n);
      assert.doesNotMatch(text(answer), /secret/);
    }
    assert.match(broken.stderr, /^error: notes: the database: secret words\n/);
  });
});
