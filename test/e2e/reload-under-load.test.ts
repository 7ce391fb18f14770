/** For five seconds; `npm run faults -- reload` does it for a minute. */
import { test } from 'node:test';
import { describeReloads, reloadUnderLoad } from '../faults/support/reload-load.ts';
import { buildExample } from '../support/example-plugins.ts';

test('plugins that are reloaded every second at half of capacity fail no request, and lose no connection', async (t) => {
  await buildExample('echo');
  t.diagnostic(describeReloads(await reloadUnderLoad(t, { ms: 5000, measureMs: 500 })));
});
