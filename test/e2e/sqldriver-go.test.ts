import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { goPlugin, withoutGo } from '../support/go-plugin.ts';
import { PulpProcess } from '../support/pulp-process.ts';

const skip = await withoutGo();

suite('a Go plugin with database/sql', { skip }, () => {
  test('has its values, transactions, statements and errors as Go programs know them', async (t) => {
    const pulp = await PulpProcess.start(t, { manifest: await goPlugin(t, 'sqldriver-go') });
    const url = `http://127.0.0.1:${pulp.port}`;
    const checks = ['values', 'nulls', 'transactions', 'transactions', 'prepared', 'failures', 'registered'];
    for (const check of checks) {
      const response = await fetch(`${url}/check/${check}`, { method: 'POST' });
      assert.equal(await response.text(), 'fine', check);
    }
    const count = await fetch(`${url}/count`);
    assert.equal(await count.text(), '3');
    assert.equal((await pulp.stop()).code, 0, pulp.dump());
  });
});
