import assert from 'node:assert/strict';
import { before, suite, test } from 'node:test';
import { encode, type Encodable } from '../../../runtime/src/abi/msgpack/value.ts';
import {
  decodeFsPath,
  decodeFsPathMode,
  decodeFsRename,
  decodeFsTemp,
} from '../../../runtime/src/abi/structs.ts';
import { fakeFiles } from './fake-files.ts';
import type { HostFunction } from './fake-host.ts';
import { compile, Guest, hostImports } from './harness.ts';

const source = `
import { MapView, files, log, onEvent } from "pulp-sdk-assemblyscript";

function say(words: string): void {
  log.info(words + " " + files.code.toString() + " " + files.missing().toString() + " " + files.error());
}

onEvent("read", (event: MapView) => {
  const bytes = files.read(event.get("path"));
  say(bytes !== null ? bytes.length.toString() : "null");
});
onEvent("text", (event: MapView) => {
  const text = files.readText(event.get("path"));
  say(text !== null ? text : "null");
});
onEvent("write", (event: MapView) => {
  say(files.write(event.get("path"), event.bytes("data")).toString());
});
onEvent("writeText", (event: MapView) => {
  say(files.writeText(event.get("path"), event.get("data")).toString());
});
onEvent("append", (event: MapView) => {
  say(files.append(event.get("path"), event.bytes("data")).toString());
});
onEvent("appendText", (event: MapView) => {
  say(files.appendText(event.get("path"), event.get("data")).toString());
});
onEvent("remove", (event: MapView) => { say(files.remove(event.get("path")).toString()); });
onEvent("removeAll", (event: MapView) => { say(files.removeAll(event.get("path")).toString()); });
onEvent("rename", (event: MapView) => { say(files.rename(event.get("path"), event.get("data")).toString()); });
onEvent("makeFolder", (event: MapView) => { say(files.makeFolder(event.get("path")).toString()); });
onEvent("setMode", (event: MapView) => { say(files.setMode(event.get("path"), 0o400).toString()); });
onEvent("exists", (event: MapView) => { say(files.exists(event.get("path")).toString()); });
onEvent("list", (event: MapView) => {
  const entries = files.list(event.get("path"));
  if (entries === null) return say("null");
  let words = entries.length.toString();
  for (let i = 0; i < entries.length; i++) words += " " + entries[i].name + (entries[i].isFolder ? "/" : "");
  say(words);
});
onEvent("stat", (event: MapView) => {
  const info = files.stat(event.get("path"));
  if (info === null) return say("null");
  say(info.name + " " + info.size.toString() + " " + info.modified.toString() + " " + info.mode.toString(8) + " "
    + info.isFolder.toString());
});
onEvent("createTemporary", (event: MapView) => {
  const path = files.createTemporary(event.get("path"), event.get("data"));
  say(path !== null ? path : "null");
});
onEvent("makeTemporaryFolder", (event: MapView) => {
  const path = files.makeTemporaryFolder();
  say(path !== null ? path : "null");
});
`;

/** Calls that give something, which a broken host may give in any form. */
const withResult: readonly (readonly [kind: string, name: string, sound: Encodable])[] = [
  [
    'list',
    'fs_list',
    [
      { name: 'a', is_dir: true },
      { name: 'b', is_dir: false },
    ],
  ],
  ['stat', 'fs_stat', { name: 'a', size: 300n, mod_time_ns: 5_000_000n, mode: 0o600n, is_dir: false }],
  ['createTemporary', 'fs_create_temp', { path: 'tmp/a1' }],
  ['makeTemporaryFolder', 'fs_mkdir_temp', { path: 'tmp/a2' }],
];

/** What the plugin says of a call: its words, the code, whether something is missing, the error. */
function ask(guest: Guest, kind: string, path = '', data: Encodable = ''): string {
  guest.stdout = '';
  assert.equal(guest.event(kind, { path, data }), 0);
  return guest.stdout.replace(/\n$/, '');
}

suite('files', () => {
  let plugin: WebAssembly.Module;
  before(async () => {
    plugin = await compile(source);
  });

  function start(host: Readonly<Record<string, HostFunction>>): Guest {
    const guest = new Guest(plugin, { host });
    assert.equal(guest.init(), 0);
    return guest;
  }

  test('a plugin that only reads imports fs_read alone', async () => {
    const reader = await compile(`
      import { files, log, onInit } from "pulp-sdk-assemblyscript";
      onInit(() => {
        const text = files.readText("a");
        log.info(text !== null ? text : files.error());
      });
    `);
    assert.deepEqual(hostImports(reader), ['fs_read']);
  });

  test('what is written is read, as bytes and as text, also when it is empty', () => {
    const files = new Map<string, Buffer>();
    const guest = start(fakeFiles(files));
    assert.equal(ask(guest, 'write', 'a/b', Uint8Array.of(0, 255, 10)), 'true 0 false ');
    assert.deepEqual(files.get('a/b'), Buffer.of(0, 255, 10));
    assert.equal(ask(guest, 'read', 'a/b'), '3 0 false ');
    assert.equal(ask(guest, 'writeText', 'grüße', 'grüße \u{1f34a}'), 'true 0 false ');
    assert.equal(files.get('grüße')?.toString(), 'grüße \u{1f34a}');
    assert.equal(ask(guest, 'text', 'grüße'), 'grüße \u{1f34a} 0 false ');
    assert.equal(ask(guest, 'text', 'a/b'), '\0\ufffd  0 false ', 'the log makes a blank of the line break');
    for (const kind of ['write', 'writeText']) {
      assert.equal(ask(guest, kind, 'empty'), 'true 0 false ');
      assert.equal(files.get('empty')?.length, 0);
      assert.equal(ask(guest, 'read', 'empty'), '0 0 false ');
      assert.equal(ask(guest, 'text', 'empty'), ' 0 false ');
    }
  });

  test('what is appended comes behind what is there', () => {
    const files = new Map<string, Buffer>();
    const guest = start(fakeFiles(files));
    ask(guest, 'append', 'log', Buffer.from('one '));
    ask(guest, 'appendText', 'log', 'ü');
    assert.equal(files.get('log')?.toString(), 'one ü');
  });

  test('files are renamed, removed, listed and looked at', () => {
    const guest = start(
      fakeFiles(
        new Map([
          ['a/b', Buffer.from('12')],
          ['a/c/d', Buffer.from('3')],
          ['e', Buffer.from('4')],
        ]),
      ),
    );
    assert.equal(ask(guest, 'list', ''), '2 a/ e 0 false ');
    assert.equal(ask(guest, 'list', 'a'), '2 b c/ 0 false ');
    assert.equal(ask(guest, 'stat', 'a/b'), 'b 2 1767323045678 600 false 0 false ');
    assert.equal(ask(guest, 'stat', 'a'), 'a 0 1767323045678 700 true 0 false ');
    assert.equal(ask(guest, 'exists', 'e'), 'true 0 false ');
    assert.equal(ask(guest, 'rename', 'e', 'f'), 'true 0 false ');
    assert.equal(ask(guest, 'exists', 'e'), 'false 6 true not found');
    assert.equal(ask(guest, 'remove', 'f'), 'true 0 false ');
    assert.equal(ask(guest, 'remove', 'f'), 'false 6 true not found');
    assert.equal(ask(guest, 'removeAll', 'a'), 'true 0 false ');
    assert.equal(ask(guest, 'list', ''), '0 0 false ');
  });

  test('structs are what the host decodes', () => {
    const guest = start({});
    ask(guest, 'rename', 'a', 'ü');
    ask(guest, 'makeFolder', 'b/c');
    ask(guest, 'setMode', 'd');
    ask(guest, 'stat', 'e');
    ask(guest, 'createTemporary', 'x-*', 'folder');
    const input = (name: string): Uint8Array => guest.host.of(name)[0]?.inputs[0] ?? new Uint8Array();
    const renamed = decodeFsRename(input('fs_rename'));
    assert.deepEqual([renamed.old, Buffer.from(renamed.new, 'latin1').toString()], ['a', 'ü']);
    assert.deepEqual(Object.values(decodeFsPathMode(input('fs_mkdir_all'))), ['b/c', 0o700]);
    assert.deepEqual(Object.values(decodeFsPathMode(input('fs_chmod'))), ['d', 0o400]);
    assert.deepEqual(Object.values(decodeFsPath(input('fs_stat'))), ['e']);
    assert.deepEqual(Object.values(decodeFsTemp(input('fs_create_temp'))), ['folder', 'x-*']);
  });

  test('each refusal is null or false, with its code and words', () => {
    for (const [code, words] of [
      [1, '1 false the input is empty'],
      [4, '4 false the path is not allowed'],
      [5, '5 false it failed, or is over a limit'],
      [6, '6 true not found'],
      [7, '7 false there is no memory for the result'],
      [99, '99 false the capability is not declared in the manifest'],
    ] as const) {
      const all = Object.fromEntries(
        Object.keys(fakeFiles(new Map()))
          .concat('fs_mkdir_all', 'fs_chmod', 'fs_create_temp', 'fs_mkdir_temp')
          .map((name): [string, HostFunction] => [name, () => code]),
      );
      const guest = start(all);
      for (const kind of ['read', 'text', 'list', 'stat', 'createTemporary', 'makeTemporaryFolder'])
        assert.equal(ask(guest, kind, 'x'), `null ${words}`, kind);
      for (const kind of ['write', 'writeText', 'append', 'appendText', 'remove', 'removeAll', 'rename'])
        assert.equal(ask(guest, kind, 'x', 'y'), `false ${words}`, kind);
      for (const kind of ['makeFolder', 'setMode', 'exists'])
        assert.equal(ask(guest, kind, 'x'), `false ${words}`, kind);
    }
  });

  test('a good call forgets the failure before it', () => {
    const guest = start(fakeFiles(new Map([['a', Buffer.from('x')]])));
    ask(guest, 'read', 'missing');
    assert.equal(ask(guest, 'read', 'a'), '1 0 false ');
  });

  for (const [kind, name, sound] of withResult) {
    test(`${name}: a result that is cut off or something else is null and code 3`, () => {
      const whole = encode(sound);
      let answer: ReturnType<HostFunction> = whole;
      const guest = start({ [name]: () => answer });
      assert.match(ask(guest, kind, 'x'), / 0 false $/);
      const broken: ReturnType<HostFunction>[] = Array.from({ length: whole.length }, (_, length) =>
        whole.subarray(0, length),
      );
      broken.push(encode('x'), encode(1n), { pointer: 0xffff_fff0, length: 100 }, { pointer: 0, length: 9 });
      for (const hex of ['ddffffffff', 'dfffffffff', 'dbffffffff', 'c1', '91'.repeat(50_000)])
        broken.push(Buffer.from(hex, 'hex'));
      for (answer of broken) {
        assert.match(ask(guest, kind, 'x'), /^null 3 false the host's answer cannot be decoded$/);
      }
      answer = whole;
      assert.match(ask(guest, kind, 'x'), / 0 false $/);
    });
  }

  test('memory does not grow over many reads: what the host places is freed', () => {
    const guest = start(fakeFiles(new Map([['a', Buffer.alloc(500_000)]])));
    let early = 0;
    for (let i = 0; i < 400; i++) {
      ask(guest, 'read', 'a');
      ask(guest, 'stat', 'a');
      ask(guest, 'list');
      guest.host.calls.length = 0;
      if (i === 100) early = guest.memory.buffer.byteLength;
    }
    assert.equal(guest.memory.buffer.byteLength, early);
  });
});
