import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
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

  test('is refused when it never finishes to load', async () => {
    const endless = module('await new Promise((resolve) => setTimeout(resolve, 2 ** 31 - 1).unref());');
    await assert.rejects(importCapability(endless, 50), /cannot be loaded: it is still loading after 50 ms$/);
  });
});
