import assert from 'node:assert/strict';
import { all, arm, forever, respond, type WatGuest, whenArmed } from '../../support/wat-guest.ts';
import { faultyPlugin } from '../support/faulty-plugin.ts';
import { pause, type Recovery, type Scenario } from '../support/scenario.ts';

const callTimeoutMs = 250;
const goalMs = 100;

/** Runs away in the allocator once it was armed with 1, and in what frees with 2. */
const guest: WatGuest = {
  routes: {
    'GET /runaway/step': forever(),
    'GET /runaway/arm-alloc': all(arm(1), respond({ body: 'armed' })),
    'GET /runaway/arm-free': all(arm(2), respond({ body: 'armed' })),
  },
  alloc: whenArmed(forever(), 1),
  free: whenArmed(forever(), 2),
};

const noticed = (what: string, ms: number): Recovery => ({
  what: `${what} noticed after its deadline`,
  ms: ms - callTimeoutMs,
  goalMs,
});

/** What began with a new thread: that takes longer than to notice anything. */
const refused = (what: string, ms: number): Recovery => ({
  what: `${what} refused after its deadline, the start of a thread included`,
  ms: ms - callTimeoutMs,
});

/** An endless loop in each export that the host enters, and in the start section. */
export const runaway: Scenario = {
  name: 'runaway in every export',
  async prepare(t) {
    const plugin = await faultyPlugin(t, {
      name: 'runaway',
      guest,
      manifest: `capabilities = ["transport.http.inbound"]\ntick_interval_ms = 0\ncall_timeout_ms = ${callTimeoutMs}`,
    });
    return {
      manifests: [plugin.manifest],
      async inject({ host, client }) {
        const recoveries: Recovery[] = [];
        const step = await client.ask('/runaway/step');
        assert.equal(step.status, 504, step.body);
        recoveries.push(noticed('pulp_step', step.ms), {
          what: 'serves again after pulp_step',
          ms: await client.serving('/runaway/ok'),
        });

        await client.ask('/runaway/arm-alloc');
        const alloc = await client.ask('/runaway/ok');
        assert.equal(alloc.status, 504, alloc.body);
        recoveries.push(noticed('pulp_alloc', alloc.ms));
        await client.serving('/runaway/ok');

        // Its answer is on its way before the guest is asked to free.
        const armed = await client.ask('/runaway/arm-free');
        assert.equal(armed.status, 200, armed.body);
        const freed = performance.now();
        while ((await host.plugin(plugin.name)).crashes < 3) await pause(1);
        recoveries.push(noticed('pulp_free', performance.now() - freed));
        await client.serving('/runaway/ok');

        const starts: Readonly<Record<string, WatGuest>> = {
          'the start section': { ...guest, start: forever() },
          _initialize: { ...guest, initialize: forever() },
          pulp_init: { ...guest, init: forever() },
        };
        for (const [entry, broken] of Object.entries(starts)) {
          await plugin.replace(broken);
          const begun = performance.now();
          await assert.rejects(
            host.tell({ what: 'reload', plugin: plugin.name }),
            /its start took longer/,
            entry,
          );
          recoveries.push(refused(entry, performance.now() - begun));
          const { status } = await client.ask('/runaway/ok');
          assert.equal(status, 200, `the one before still serves when ${entry} of the next runs away`);
        }

        await plugin.replace({ ...guest, shutdown: forever() });
        await host.tell({ what: 'reload', plugin: plugin.name });
        await plugin.replace(guest);
        const begun = performance.now();
        await host.tell({ what: 'restart', plugin: plugin.name });
        recoveries.push(refused('pulp_shutdown', performance.now() - begun));
        await client.serving('/runaway/ok');
        return recoveries;
      },
    };
  },
};
