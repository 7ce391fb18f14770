import assert from 'node:assert/strict';
import { mkdir, mkdtemp, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, suite, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { loadExtensions, resolveExtension } from './load-extensions.ts';

const module = `export const capability = { module: import.meta.url, name: 'test.one' };`;

/** The `package.json` of a package with these exports. */
function described(exports: unknown): string {
  return JSON.stringify({ type: 'module', exports });
}

suite('what -ext means', () => {
  const home = process.cwd();
  let folder = '';

  before(async () => {
    folder = await realpath(await mkdtemp(join(tmpdir(), 'pulp-test-load-')));
    const add = async (path: string, text: string): Promise<void> => {
      await mkdir(join(folder, path, '..'), { recursive: true });
      await writeFile(join(folder, path), text);
    };
    await add('own.mjs', module);
    await add('parts/own.mjs', module);
    await add('node_modules/plain/package.json', '{ "type": "module", "main": "main.js" }');
    await add('node_modules/plain/main.js', module);
    await add('node_modules/only-import/package.json', described({ '.': { import: './main.js' } }));
    await add('node_modules/only-import/main.js', module);
    await add('node_modules/@scope/parts/package.json', described({ './cache': './cache.js' }));
    await add('node_modules/@scope/parts/cache.js', module);
    await add('node_modules/not-built/package.json', described('./dist/main.js'));
    process.chdir(folder);
  });

  after(async () => {
    process.chdir(home);
    await rm(folder, { recursive: true, force: true });
  });

  const found: readonly (readonly [what: string, name: string, file: string])[] = [
    ['a path', './own.mjs', 'own.mjs'],
    ['a path without ./', 'own.mjs', 'own.mjs'],
    ['a path into a folder', 'parts/own.mjs', 'parts/own.mjs'],
    ['a package', 'plain', 'node_modules/plain/main.js'],
    ['a package that only `import` finds', 'only-import', 'node_modules/only-import/main.js'],
    ['a module of a package', '@scope/parts/cache', 'node_modules/@scope/parts/cache.js'],
  ];
  for (const [what, name, file] of found) {
    test(`${what} is a module here`, async () => {
      const { href } = pathToFileURL(join(folder, file));
      assert.equal(resolveExtension(name), href);
      const [capability] = await loadExtensions([name]);
      assert.equal(capability?.module, href);
    });
  }

  test('an absolute path and a URL are what they say', () => {
    const { href } = pathToFileURL(join(folder, 'own.mjs'));
    assert.equal(resolveExtension(join(folder, 'own.mjs')), href);
    assert.equal(resolveExtension(href), href);
  });

  test('a package that is not here is looked for beside Pulp', () => {
    assert.match(resolveExtension('zod'), /^file:.*node_modules\/zod\//);
  });

  const missing: readonly (readonly [name: string, reason: RegExp])[] = [
    ['./no.mjs', /^-ext .*no\.mjs: the module is not there$/],
    ['./parts', /^-ext .*parts: it is no file; name the module in it$/],
    ['parts', /^-ext .*parts: it is no file; name the module in it$/],
    ['no.ts', /^-ext no\.ts: there is no such module, and no package of that name is installed here$/],
    ['nothing', /no package of that name is installed here: npm install nothing, or give the path/],
    ['nothing/cache', /: npm install nothing, or/],
    ['@scope/nothing/cache', /: npm install @scope\/nothing, or/],
    ['@scope', /: npm install @scope, or/],
    ['@scope/parts', /^-ext @scope\/parts: No "exports" main defined/],
    ['@scope/parts/no', /^-ext @scope\/parts\/no: .*'\.\/no' is not defined by "exports"/],
  ];
  for (const [name, reason] of missing) {
    test(`${name} is refused by its name`, () => {
      assert.throws(() => resolveExtension(name), { message: reason });
    });
  }

  test('a package that was not built is named by the file that is missing', async () => {
    await assert.rejects(
      loadExtensions(['not-built']),
      /not-built\/dist\/main\.js cannot be loaded: Cannot find/,
    );
  });

  test('one of several that cannot be had is named', async () => {
    await assert.rejects(loadExtensions(['plain', 'nothing']), /^Error: -ext nothing: /);
  });
});
