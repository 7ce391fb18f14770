import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { Worker } from 'node:worker_threads';
import { openRoot } from './root-folder.ts';
import { at, bytes, listed, overriding, scratch, storeIn } from './store.suite.ts';

/** Sources for programs of another process, which imports the same store. */
const program = (folder: string, text: string): string => `
  import { FileStore } from ${JSON.stringify(new URL('store.ts', import.meta.url).href)};
  import { openRoot } from ${JSON.stringify(new URL('root-folder.ts', import.meta.url).href)};
  import { parsePath } from ${JSON.stringify(new URL('path.ts', import.meta.url).href)};
  const none = () => {};
  const store = new FileStore({
    root: openRoot(${JSON.stringify(folder)}),
    limits: { maxBytes: 2 ** 40, maxFileBytes: 2 ** 30, maxFiles: 1000 },
    log: { debug: none, info: none, warn: (...line) => console.log(JSON.stringify(line)), error: none },
  });
  const codeOf = (act) => { try { act(); return 0; } catch (error) { return error.code; } };
  ${text}`;

/** A file of so many bytes, all the same. */
const version = (letter: string, size: number): Uint8Array => new Uint8Array(size).fill(letter.charCodeAt(0));

suite('what was done to a folder', () => {
  test('is made to outlast a loss of power before the call returns', (t) => {
    let syncs = 0;
    const { store } = storeIn(t, {
      open: (path) =>
        overriding(openRoot(path), (folder) => ({
          sync() {
            syncs += 1;
            folder.sync();
          },
        })),
    });
    for (const [name, act] of [
      ['write', () => store.write(at('a'), bytes('a'))],
      ['write again', () => store.write(at('a'), bytes('b'))],
      ['append', () => store.append(at('b'), bytes('b'))],
      ['make all', () => store.makeAll(at('c'))],
      ['a folder on the way', () => store.write(at('d/e'), bytes('e'))],
      ['rename', () => store.rename(at('a'), at('d/a'))],
      ['rename back', () => store.rename(at('d/a'), at('a'))],
      ['delete', () => store.delete(at('a'))],
      ['remove all', () => store.removeAll(at('d'))],
    ] as const) {
      const before = syncs;
      act();
      assert.ok(syncs > before, name);
    }
  });
});

suite('a file that is replaced', () => {
  test('is the old one or the new one to who reads meanwhile', async (t) => {
    const { store, folder } = storeIn(t);
    const size = 200_000;
    store.write(at('file'), version('a', size));
    const shared = new SharedArrayBuffer(8);
    const state = new Int32Array(shared);
    const reader = new Worker(
      `const { readFileSync } = require('node:fs');
       const { parentPort, workerData: { file, shared } } = require('node:worker_threads');
       const state = new Int32Array(shared);
       const seen = {};
       while (Atomics.load(state, 0) === 0) {
         const bytes = readFileSync(file);
         const whole = bytes.length === ${size} && bytes.every((byte) => byte === bytes[0]);
         const what = whole ? String.fromCharCode(bytes[0]) : 'a part of ' + bytes.length + ' bytes';
         seen[what] = (seen[what] ?? 0) + 1;
         Atomics.add(state, 1, 1);
       }
       parentPort.postMessage(seen);`,
      { eval: true, workerData: { file: join(folder, 'file'), shared } },
    );
    const message = once(reader, 'message') as Promise<[Record<string, number>]>;
    const letters = ['a', 'b', 'c'];
    for (let turn = 1; turn <= 200 || Atomics.load(state, 1) < 50; turn++) {
      store.write(at('file'), version(letters[turn % 3] ?? '', size));
    }
    Atomics.store(state, 0, 1);
    const [seen] = await message;
    assert.deepEqual(
      Object.keys(seen).filter((what) => !letters.includes(what)),
      [],
    );
    assert.ok(Object.keys(seen).length > 1, 'the reader never saw it change');
  });

  test('is the old one or the new one after the writer was killed, and nothing else stays', async (t) => {
    const folder = join(scratch(t), 'plugin');
    const size = 2_000_000;
    let leftovers = 0;
    for (let round = 0; round < 8; round++) {
      const writer = spawn(
        process.execPath,
        [
          '--input-type=module',
          '-e',
          program(
            folder,
            `for (let turn = 0; ; turn++) {
               store.write(parsePath('a/file'), new Uint8Array(${size}).fill(97 + turn % 26));
               if (turn === 0) process.stdout.write('written');
             }`,
          ),
        ],
        { stdio: ['ignore', 'pipe', 'inherit'] },
      );
      await once(writer.stdout, 'data');
      await new Promise((resolve) => setTimeout(resolve, round * 7));
      writer.kill('SIGKILL');
      await once(writer, 'exit');
      const content = readFileSync(join(folder, 'a', 'file'));
      assert.equal(content.length, size);
      assert.ok(content.every((byte) => byte === content[0]));
      leftovers += readdirSync(join(folder, 'a')).length - 1;
    }
    t.diagnostic(`${leftovers} leftovers`);
    const { store } = storeIn(t, { open: () => openRoot(folder) });
    assert.deepEqual(listed(store, 'a'), ['file']);
    assert.deepEqual(readdirSync(join(folder, 'a')), ['file']);
  });

  test('is as it was when the disk takes only a part, and so is what is appended to', (t) => {
    const folder = join(scratch(t), 'plugin');
    mkdirSync(folder);
    writeFileSync(join(folder, 'file'), 'as it was');
    // The system lets a process write no file beyond 64 KiB, which is like a disk that is full.
    const text = program(
      folder,
      `const large = new Uint8Array(200_000);
       console.log(JSON.stringify([
         codeOf(() => store.write(parsePath('file'), large)),
         codeOf(() => store.write(parsePath('new'), large)),
         codeOf(() => store.append(parsePath('file'), large)),
         codeOf(() => store.append(parsePath('other'), large)),
         codeOf(() => store.write(parsePath('small'), new Uint8Array(10))),
       ]));`,
    );
    const { stdout, stderr } = spawnSync(
      'bash',
      ['-c', 'ulimit -f 64; exec "$0" --input-type=module -e "$1"', process.execPath, text],
      // A file of coverage would be cut off as well.
      { encoding: 'utf8', env: { ...process.env, NODE_V8_COVERAGE: undefined } },
    );
    assert.equal(stdout.trim(), '[5,5,5,5,0]', stderr);
    assert.deepEqual(readdirSync(folder).toSorted(), ['file', 'small']);
    assert.equal(readFileSync(join(folder, 'file'), 'utf8'), 'as it was');
  });
});
