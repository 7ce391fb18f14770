import { before, suite, test } from 'node:test';
import { buildExample } from '../support/example-plugins.ts';
import { scenarios } from './scenarios/all.ts';
import { describeOutcome, runScenario } from './support/scenario.ts';

/** Short, so that all of them are over soon: `npm run faults` gives figures that mean something. */
const times = { baselineMs: 400, faultMs: 800 };

suite('a plugin beside one that is broken answers every request', () => {
  before(async () => {
    for (const name of ['echo', 'notes']) await buildExample(name);
  });

  for (const scenario of scenarios) {
    test(scenario.name, async (t) => {
      const reason = (await scenario.skip?.()) ?? false;
      if (reason !== false) return t.skip(reason);
      t.diagnostic(describeOutcome(await runScenario(t, scenario, times)));
    });
  }
});
