import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { temporaryFolder } from '../../../test/support/temporary-folder.ts';
import { importCapability, importExtension } from './import-extension.ts';

/** The URL of a module with this text. */
function module(text: string): string {
  return `data:text/javascript,${encodeURIComponent(text)}`;
}

const good = module(`export const capability = { name: 'a.b' };`);

suite('the module of an extension', () => {
  test('gives the capability that it exports', async () => {
    assert.equal((await importCapability(good)).name, 'a.b');
    assert.equal((await importExtension({ name: 'a.b', module: good })).name, 'a.b');
  });

  test('is refused with its URL when it has another one, or none', async () => {
    await assert.rejects(importExtension({ name: 'a.c', module: good }), {
      message: `the extension ${good} exports the capability a.b, and not a.c`,
    });
    const other = module('export const plugin = 1; export const other = 2;');
    await assert.rejects(importCapability(other), {
      message: `the extension ${other} does not export a capability; it exports other, plugin`,
    });
    await assert.rejects(importCapability(module('')), /it exports nothing$/);
  });

  test('is refused with its URL when it throws, cannot be read, or is not there', async () => {
    for (const [text, reason] of [
      [`throw new Error('no licence');`, /cannot be loaded: no licence$/],
      [`throw 'text';`, /cannot be loaded: text$/],
      ['throw Object.create(null);', /cannot be loaded: \[Object: null prototype\] \{\}$/],
      ['export const = 1;', /cannot be loaded: .*[Uu]nexpected token/],
      [`import 'no-such-package';`, /cannot be loaded: /],
    ] as const) {
      await assert.rejects(importCapability(module(text)), (error: Error) => {
        assert.match(error.message, reason);
        assert.ok(error.message.startsWith(`the extension ${module(text)} `));
        return true;
      });
    }
    await assert.rejects(importCapability('file:///no/such/extension.js'), /no\/such\/extension\.js/);
  });

  test('is refused with the way to see where, when its text or that of another module is wrong', async (t) => {
    const folder = await temporaryFolder(t);
    await writeFile(join(folder, 'wrong.mjs'), 'export const capability = {\n  x: ;\n};');
    await writeFile(join(folder, 'main.mjs'), `import './wrong.mjs';`);
    for (const name of ['wrong.mjs', 'main.mjs']) {
      const path = join(folder, name);
      await assert.rejects(importCapability(pathToFileURL(path).href), {
        message: `the extension ${pathToFileURL(path).href} cannot be loaded: Unexpected token ';'; to see where, run: node ${path}`,
      });
    }
  });

  test('is refused when it never finishes to load', async () => {
    const endless = module('await new Promise((resolve) => setTimeout(resolve, 2 ** 31 - 1).unref());');
    await assert.rejects(
      importCapability(endless, 50),
      /cannot be loaded: it is still loading after 50 ms; /,
    );
    await assert.rejects(importExtension({ name: 'a.b', module: endless, loadMs: 40 }), /after 40 ms; /);
  });
});
