/** What happens to the machine and to the process. */
import assert from 'node:assert/strict';
import { busy, all, forever, respond, trap } from '../../support/wat-guest.ts';
import { faultyPlugin } from '../support/faulty-plugin.ts';
import type { Recovery, Scenario } from '../support/scenario.ts';

const callTimeoutMs = 300;
const hour = 3_600_000;
const tenYears = 10 * 365 * 24 * hour;

/** Somebody sets the clock of the machine while plugins run: no deadline is looked up on that one. */
export const clockJumps: Scenario = {
  name: 'jumps of the wall clock',
  async prepare(t) {
    const { name, manifest } = await faultyPlugin(t, {
      name: 'clock',
      guest: {
        routes: {
          'GET /clock/busy': all(busy(callTimeoutMs / 3), respond({ body: 'done' })),
          'GET /clock/runaway': forever(),
          'GET /clock/trap': trap(),
        },
      },
      manifest: `capabilities = ["transport.http.inbound"]\ntick_interval_ms = 0\ncall_timeout_ms = ${callTimeoutMs}`,
    });
    return {
      manifests: [manifest],
      async inject({ host, client }) {
        const recoveries: Recovery[] = [];
        const jumps = {
          'an hour forward': hour,
          'an hour back': -hour,
          'ten years forward': tenYears,
          home: 0,
        };
        for (const [what, ms] of Object.entries(jumps)) {
          const step = client.ask('/clock/busy');
          await host.tell({ what: 'jump', ms });
          const done = await step;
          assert.equal(done.status, 200, `${what}: a step that runs was cut off with ${done.status}`);
          const runaway = client.ask('/clock/runaway');
          await host.tell({ what: 'jump', ms: ms / 2 });
          const late = await runaway;
          assert.equal(late.status, 504, `${what}: ${late.body}`);
          assert.ok(late.ms >= callTimeoutMs, `${what}: it was cut off after ${late.ms} ms`);
          recoveries.push({ what: `runaway noticed, ${what}`, ms: late.ms - callTimeoutMs, goalMs: 100 });
          await client.serving('/clock/ok');
          // By hand: the circuit would open, however the clock is set.
          await host.tell({ what: 'restart', plugin: name });
        }
        assert.equal((await client.ask('/clock/trap')).status, 502);
        recoveries.push({ what: 'serves again after a trap', ms: await client.serving('/clock/ok') });
        return recoveries;
      },
    };
  },
};
