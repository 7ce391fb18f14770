import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { encode } from '../../runtime/src/ext.ts';
import { Host } from '../../runtime/src/index.ts';
import { capability, ports } from '../support/ends-extension.ts';
import { goPlugin, withoutGo } from '../support/go-plugin.ts';
import { until } from '../support/until.ts';

const skip = await withoutGo();

suite('a Go plugin with an extension', { skip }, () => {
  test('calls its functions and gets its events by the SDK', async (t) => {
    const said: string[] = [];
    const say = (message: string): void => void said.push(message);
    const host = await Host.start({
      manifest: await goPlugin(t, 'extension-go'),
      extensions: [capability],
      log: { debug: () => undefined, info: say, warn: say, error: say },
    });
    t.after(() => host.stop());
    for (const line of [
      'asked: agree',
      'refused: ends_ask: code 42',
      'empty: ends_ask: nothing was given (code 1)',
      'answer: pluP <nil>',
    ]) {
      assert.ok(said.includes(line), `${line} is not in:\n${said.join('\n')}`);
    }
    const port = ports.get('extension-go');
    assert.ok(port !== undefined);
    for (const name of ['a', 'b']) {
      assert.equal(port.push({ kind: 1, id: port.nextId(), payload: encode({ name }) }), true);
    }
    // The payload may be kept.
    const kept = String.raw`event: b, before: "\x81\xa4name\xa1a"`;
    await until(() => said.includes(kept), `${kept} is logged`).catch((error) => {
      throw new Error(said.join('\n'), { cause: error });
    });
    assert.ok(said.includes('event: a, before: ""'));
  });
});
