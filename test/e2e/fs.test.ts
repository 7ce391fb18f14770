import assert from 'node:assert/strict';
import {
  linkSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { before, suite, test, type TestContext } from 'node:test';
import { decode } from '../../runtime/src/abi/msgpack/value.ts';
import { fsCall, fsGuest, fsRequest, type FsFunction } from '../support/fs-guest.ts';
import { guestFolder } from '../support/guest-host.ts';
import { bin, int, map, str } from '../support/msgpack-bytes.ts';
import { PulpProcess } from '../support/pulp-process.ts';
import { suiteScope, type Scope } from '../support/scope.ts';
import { all, remember, respond, text, trap, type WatGuest } from '../support/wat-guest.ts';

const declared = 'capabilities = ["transport.http.inbound", "storage.fs"]\n';

/** A storage root that goes with the test. */
function storageRoot(t: Scope): string {
  const path = mkdtempSync(join(tmpdir(), 'pulp-test-fs-'));
  t.after(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

/** The manifest of a guest that declares the capability. */
async function manifestOf(t: Scope, guest: WatGuest = fsGuest(), options = ''): Promise<string> {
  const file = await guestFolder(t, guest);
  const lines = readFileSync(file, 'utf8').replace(/^capabilities = .*\n/m, declared);
  writeFileSync(file, `${lines}${options}`);
  return file;
}

async function start(
  t: Scope,
  root: string,
  { guest, options }: { readonly guest?: WatGuest; readonly options?: string } = {},
): Promise<PulpProcess> {
  return PulpProcess.start(t, {
    manifest: await manifestOf(t, guest, options),
    args: ['-storage-root', root, '-log-level', 'debug', '-max-body-bytes', '40MiB'],
  });
}

const named = (fields: Readonly<Record<string, Buffer>>): Buffer => map(Object.entries(fields));

/** What a guest's calls need besides the path. */
const calls: Readonly<Record<FsFunction, (path: string) => readonly (string | Uint8Array)[]>> = {
  fs_read: (path) => [path],
  fs_write: (path) => [path, 'written'],
  fs_append: (path) => [path, 'appended'],
  fs_delete: (path) => [path],
  fs_list: (path) => [path],
  fs_stat: (path) => [named({ path: str(path) })],
  fs_rename: (path) => [named({ old: str(path), new: str('renamed') })],
  fs_remove_all: (path) => [path],
  fs_mkdir_all: (path) => [named({ path: str(path), mode: int(0o700) })],
  fs_chmod: (path) => [named({ path: str(path), mode: int(0o600) })],
  fs_create_temp: (path) => [named({ dir: str(path), pattern: str('a*') })],
  fs_mkdir_temp: (path) => [named({ dir: str(path), pattern: str('a*') })],
};

suite('files of a plugin behind the command line', () => {
  const scope = suiteScope();
  let root: string;
  let folder: string;
  let pulp: PulpProcess;
  const call = (name: FsFunction, ...inputs: readonly (string | Uint8Array)[]) =>
    fsRequest(pulp, name, ...inputs);
  const code = async (name: FsFunction, ...inputs: readonly (string | Uint8Array)[]): Promise<number> =>
    (await call(name, ...inputs)).code;

  before(async () => {
    root = join(storageRoot(scope), 'made', 'by', 'the', 'host');
    folder = join(root, 'guest');
    pulp = await start(scope, root);
  });

  test('are in a folder of its own, which the log names, for their owner alone', async () => {
    await pulp.line('storage.fs ready', { plugin: 'guest', root: folder });
    assert.equal(await code('fs_write', 'a/b/c', 'content'), 0);
    assert.equal(readFileSync(join(folder, 'a', 'b', 'c'), 'utf8'), 'content');
    for (const [path, mode] of [
      [root, 0o700],
      [folder, 0o700],
      [join(folder, 'a'), 0o700],
      [join(folder, 'a', 'b'), 0o700],
      [join(folder, 'a', 'b', 'c'), 0o600],
    ] as const) {
      assert.equal(lstatSync(path).mode & 0o777, mode, path);
    }
  });

  test('come back byte by byte, the largest and the empty one, too', async () => {
    const large = Buffer.alloc(20 * 2 ** 20, 'large ');
    assert.equal(await code('fs_write', 'large', large), 0);
    const read = await call('fs_read', 'large');
    assert.equal(read.code, 0);
    assert.ok(read.result.equals(large));
    truncateSync(join(folder, 'large'), 64 * 2 ** 20 + 1);
    assert.equal(await code('fs_read', 'large'), 5);
    assert.equal(await code('fs_append', 'large', 'x'), 5);
    assert.equal(await code('fs_delete', 'large'), 0);
    assert.equal(await code('fs_write', 'empty', ''), 0);
    assert.deepEqual(await call('fs_read', 'empty'), { code: 0, result: Buffer.alloc(0) });
  });

  test('have names of any bytes, and their paths many spellings', async () => {
    const names = ['..a', 'a..b', '...', 'x'.repeat(255), '\xff\xfe', '\xc3\xa4', '\xef\xbf\xbd'];
    for (const name of names) assert.equal(await code('fs_write', `names/${name}`, name), 0, name);
    for (const name of names) {
      for (const path of [
        `names/${name}`,
        `./names/${name}`,
        `names//${name}`,
        `names/./${name}`,
        `x/../names/${name}`,
      ]) {
        assert.deepEqual(await call('fs_read', path), { code: 0, result: Buffer.from(name, 'latin1') }, path);
      }
    }
    const { result } = await call('fs_list', 'names');
    assert.equal(result[0], 0x90 + names.length, 'an array of so many');
    for (const name of names) assert.ok(result.includes(str(name)), name);
  });

  test('cannot be reached by a path that leads out, by none of the functions', async () => {
    writeFileSync(join(root, 'outside'), 'secret');
    mkdirSync(join(root, 'other'), { recursive: true });
    symlinkSync('/etc/passwd', join(folder, 'link'));
    symlinkSync(join(root, 'other'), join(folder, 'linked'));
    writeFileSync(join(root, 'hard'), 'secret');
    linkSync(join(root, 'hard'), join(folder, 'hard'));
    writeFileSync(join(folder, 'data.db'), 'not for guests');
    const outside = readdirSync(root, { recursive: true }).length;
    for (const path of [
      '.',
      '..',
      '../outside',
      'a/../../outside',
      '../other/new',
      '/etc/passwd',
      join(folder, 'a/b/c'),
      'a/',
      'a\\b',
      'a\0b',
      'C:\\a',
      'c:a',
      'data.db',
      './data.db',
      'DATA.DB',
      'data.db-wal',
      'data.db-shm',
      'data.db-journal',
      'link',
      'linked/new',
      'hard',
    ]) {
      for (const name of Object.keys(calls) as FsFunction[]) {
        assert.equal(await code(name, ...calls[name](path)), 4, `${name} ${JSON.stringify(path)}`);
      }
    }
    assert.equal(readdirSync(root, { recursive: true }).length, outside);
    for (const name of ['link', 'linked', 'hard', 'data.db']) rmSync(join(folder, name));
  });

  test('give the codes of the contract: 1, 3, 5 and 6', async () => {
    assert.equal(await code('fs_write', 'codes/file', 'x'), 0);
    for (const name of Object.keys(calls) as FsFunction[]) {
      if (name !== 'fs_list') assert.equal(await code(name, '', 'data'), 1, name);
    }
    for (const name of [
      'fs_stat',
      'fs_rename',
      'fs_mkdir_all',
      'fs_chmod',
      'fs_create_temp',
      'fs_mkdir_temp',
    ] as const)
      assert.equal(await code(name, bin('a')), 3, name);
    for (const name of ['fs_read', 'fs_delete', 'fs_list', 'fs_stat', 'fs_rename', 'fs_chmod'] as const)
      assert.equal(await code(name, ...calls[name]('codes/nothing')), 6, name);
    assert.equal(await code('fs_remove_all', 'codes/nothing'), 0);
    assert.equal(await code('fs_read', 'codes'), 5);
    assert.equal(await code('fs_read', 'codes/file/x'), 5);
    assert.equal(await code('fs_write', 'codes', 'x'), 5);
    assert.equal(await code('fs_write', 'codes/file/x', 'x'), 5);
    assert.equal(await code('fs_delete', 'codes'), 5);
    assert.equal(await code('fs_write', 'x'.repeat(256), 'x'), 5);
    assert.equal(await code('fs_write', 'x'.repeat(5000), 'x'), 5);
    await pulp.line('host call refused', { import: 'fs_read', code: '5', reason: '"codes" is a folder' });
  });

  test('are told of, renamed, removed and made under temporary names', async () => {
    assert.equal(await code('fs_mkdir_all', named({ path: str('more/folder'), mode: int(0o777) })), 0);
    const temporary = decode(
      (await call('fs_create_temp', named({ dir: str(''), pattern: str('up-*.txt') }))).result,
    );
    const path = String((temporary as Map<string, unknown>).get('path'));
    assert.match(path, /^tmp\/up-\w+\.txt$/);
    assert.equal(await code('fs_append', path, '12345'), 0);
    assert.equal(await code('fs_rename', named({ old: str(path), new: str('more/kept') })), 0);
    assert.equal(await code('fs_chmod', named({ path: str('more/kept'), mode: int(0o444) })), 0);
    const stat = decode((await call('fs_stat', named({ path: str('more/kept') }))).result) as Map<
      string,
      unknown
    >;
    assert.deepEqual(
      [stat.get('name'), stat.get('size'), stat.get('mode'), stat.get('is_dir')],
      ['kept', 5n, 0o400n, false],
    );
    const made = decode((await call('fs_mkdir_temp', named({ dir: str('more'), pattern: str('') }))).result);
    assert.match(String((made as Map<string, unknown>).get('path')), /^more\/\w+$/);
    const { result } = await call('fs_list', 'more');
    const names = (decode(result) as Map<string, unknown>[]).map((entry) => [
      entry.get('name'),
      entry.get('is_dir'),
    ]);
    assert.deepEqual(names.slice(-2), [
      ['folder', true],
      ['kept', false],
    ]);
    assert.equal(await code('fs_remove_all', 'more'), 0);
    assert.equal(await code('fs_list', 'more'), 6);
  });

  test('change at once for who reads meanwhile', async () => {
    const size = 300_000;
    const versions = ['a', 'b'].map((letter) => letter.repeat(size));
    await call('fs_write', 'changing', versions[0] ?? '');
    const seen = new Set<string>();
    const writing = new AbortController();
    const written = (async () => {
      for (let turn = 1; turn < 60; turn++)
        assert.equal(await code('fs_write', 'changing', versions[turn % 2] ?? ''), 0);
    })().finally(() => writing.abort());
    while (!writing.signal.aborted) {
      const content = readFileSync(join(folder, 'changing'), 'latin1');
      seen.add(versions.includes(content) ? content.slice(0, 1) : `a part of ${content.length} bytes`);
      await setImmediate();
    }
    await written;
    assert.deepEqual([...seen].toSorted(), ['a', 'b']);
  });
});

suite('files of a plugin', () => {
  test('are there after a crash of the plugin, a kill of the host and its next start', async (t) => {
    const root = storageRoot(t);
    const guest = fsGuest({ newer: true });
    const trapping = { ...guest, routes: { ...guest.routes, 'POST /trap': trap() } };
    const first = await start(t, root, { guest: trapping });
    const mode = named({ mode: int(0o640) });
    assert.equal((await fsRequest(first, 'fs_write', 'a', 'before', mode)).code, 0);
    assert.equal((await fetch(`${first.url}/trap`, { method: 'POST' })).status, 502);
    await first.line('plugin restarted');
    assert.equal((await fsRequest(first, 'fs_read', 'a')).result.toString(), 'before');
    assert.equal((await fsRequest(first, 'fs_append', 'a', ' and after')).code, 0);
    first.signal('SIGKILL');
    await first.ended;
    writeFileSync(join(root, 'guest', '.pulp-tmp-0123456789abcdef'), 'left behind');
    const second = await start(t, root, { guest: trapping });
    assert.equal((await fsRequest(second, 'fs_read', 'a')).result.toString(), 'before and after');
    assert.deepEqual(readdirSync(join(root, 'guest')), ['a']);
    assert.equal(lstatSync(join(root, 'guest', 'a')).mode & 0o777, 0o600);
    assert.equal((await second.stop()).code, 0);
  });

  test('can be used in _initialize and pulp_init', async (t) => {
    const [guest, at] = [fsGuest(), 300];
    // A name and content of the guest's own: the byte at 300.
    const write = text(`(i32.store8 (i32.const ${at}) (i32.const 0x61))
      (call $note (call $fs_append (i32.const ${at}) (i32.const 1) (i32.const ${at}) (i32.const 1)))`);
    const root = storageRoot(t);
    const pulp = await start(t, root, { guest: { ...guest, initialize: write, init: write } });
    assert.equal((await fsRequest(pulp, 'fs_read', 'a')).result.toString(), 'aa');
  });

  test('are 2 and 8 where pointers lead out of the memory, and nothing is done then', async (t) => {
    const guest = fsGuest();
    const range = '(i32.const -8) (i32.const 16)';
    const inputs = '(global.get $a0) (global.get $l0)';
    const routes = {
      ...guest.routes,
      'POST /path': all(remember(), fsCall(`(call $fs_read ${range} (i32.const 464) (i32.const 468))`)),
      'POST /data': all(remember(), fsCall(`(call $fs_write ${inputs} ${range})`)),
      'POST /none': all(remember(), fsCall(`(call $fs_write ${inputs} (i32.const -8) (i32.const 0))`)),
      'POST /out': all(remember(), fsCall(`(call $fs_create_temp ${inputs} (i32.const 464) (i32.const -2))`)),
    };
    const root = storageRoot(t);
    const pulp = await start(t, root, { guest: { ...guest, routes } });
    assert.equal((await fsRequest(pulp, 'path')).code, 2);
    assert.equal((await fsRequest(pulp, 'data', 'a')).code, 2);
    assert.equal((await fsRequest(pulp, 'out', named({ dir: str(''), pattern: str('') }))).code, 8);
    assert.deepEqual(readdirSync(join(root, 'guest')), []);
    assert.equal((await fsRequest(pulp, 'none', 'a')).code, 0, 'with length 0 the pointer is not looked at');
    assert.deepEqual(readdirSync(join(root, 'guest')), ['a']);
  });

  test('are 99 for a plugin that does not declare them, and no folder is made', async (t) => {
    const root = storageRoot(t);
    const manifest = await guestFolder(t, fsGuest());
    const pulp = await PulpProcess.start(t, { manifest, args: ['-storage-root', root, '-control=false'] });
    for (const name of Object.keys(calls) as FsFunction[])
      assert.equal((await fsRequest(pulp, name, '')).code, 99, name);
    assert.deepEqual(readdirSync(root), []);
  });

  test('keep to the limits of the manifest', async (t) => {
    const options = '[storage.fs]\nmax_bytes = 100\nmax_file_bytes = 60\nmax_files = 4\n';
    const pulp = await start(t, storageRoot(t), { options });
    const write = async (path: string, size: number): Promise<number> =>
      (await fsRequest(pulp, 'fs_write', path, 'x'.repeat(size))).code;
    assert.equal(await write('a', 61), 5);
    assert.equal(await write('a', 60), 0);
    assert.equal(await write('b', 41), 5);
    assert.equal(await write('b', 40), 0);
    assert.equal(await write('c/d/e', 0), 5);
    assert.equal(await write('c/d', 0), 0);
    assert.equal(await write('e', 0), 5);
    await pulp.line('host call refused', { import: 'fs_write', code: '5' });
  });
});

/** Runs a plugin that cannot be started; gives what it says. */
async function fails(t: TestContext, options: string, root = storageRoot(t)): Promise<string> {
  const manifest = await manifestOf(t, { routes: { 'GET /': respond({}) } }, options);
  const end = await PulpProcess.run(t, { manifest, args: ['-storage-root', root] });
  assert.equal(end.code, 1);
  return end.stderr;
}

suite('a plugin with files that cannot be started', () => {
  test('names the option that is wrong', async (t) => {
    assert.match(
      await fails(t, '[storage.fs]\nmax_bytes = 0\n'),
      /storage\.fs\.max_bytes: expected a whole number/,
    );
    assert.match(await fails(t, '[storage.fs]\nmax_byte = 1\n'), /storage\.fs\.max_byte: unknown key/);
  });

  test('names the folder that cannot be used', async (t) => {
    const root = storageRoot(t);
    mkdirSync(join(root, 'elsewhere'));
    symlinkSync('elsewhere', join(root, 'guest'));
    const stderr = await fails(t, '', root);
    assert.ok(stderr.includes(join(root, 'guest')), stderr);
    assert.match(stderr, /^[^\n]+\n$/);
    assert.match(stderr, /link/);
  });
});
