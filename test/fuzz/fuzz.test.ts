import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { before, suite, test } from 'node:test';
import { buildExample } from '../support/example-plugins.ts';
import { faultOf } from './codec.ts';
import { type Driver, Finding, fuzz } from './driver.ts';
import { drivers } from './drivers.ts';
import { Random } from './support/random.ts';
import { shrink } from './support/shrink.ts';

/** Of all drivers. `npm run fuzz` runs fifty times as many, with a seed of its own. */
const cases = 20_000;
const seed = 20_261_123;

suite('whatever is sent to it, the host', () => {
  before(async () => {
    await buildExample('echo');
  });

  const does: Readonly<Record<string, string>> = {
    codec: 'decodes a message or refuses it with code 3',
    imports: 'gives a guest a code of the contract',
    edge: 'answers the next good request',
  };
  for (const [name, { share, make }] of Object.entries(drivers)) {
    test(does[name] ?? name, async () => {
      await using driver = await make();
      await fuzz({ seed, drivers: [{ driver, cases: cases * share }] });
    });
  }
});

function fake(run: Driver['run']): Driver {
  return { name: 'fake', blockCases: 10, run, async [Symbol.asyncDispose]() {} };
}

function draw(from: number, name: string, block: number): string {
  return Random.derive(from, name, block).bytes(16).toString('hex');
}

suite('the fuzzer', () => {
  test('says which seed and block show a finding again', async () => {
    const broken = fake(async (_, block) => {
      if (block === 3) throw new Finding('it broke', 'ff');
    });
    await assert.rejects(
      fuzz({ seed: 7, drivers: [{ driver: broken, cases: 100 }] }),
      /it broke[^]*--driver fake --seed 7 --block 3/,
    );
    await fuzz({ seed: 7, drivers: [{ driver: broken, cases: 30 }] });
  });

  test('takes an error that nobody caught for a finding', () => {
    // In a process of its own: here the test runner would take it for this test's.
    const program = `
      import { fuzz } from ${JSON.stringify(import.meta.resolve('./driver.ts'))};
      const driver = {
        name: 'fake',
        blockCases: 1,
        async run() {
          Promise.reject(new Error('nobody waits for it'));
          await new Promise((resolve) => setTimeout(resolve, 5));
        },
      };
      await fuzz({ seed: 7, drivers: [{ driver, cases: 1 }] }).catch((error) => console.log(error.message));`;
    const { stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '--eval', program]);
    assert.match(stdout.toString(), /an error that nobody caught/, stderr.toString());
  });

  test('draws the same for the same seed, and other things for another', () => {
    assert.equal(draw(1, 'edge', 2), draw(1, 'edge', 2));
    const all = [draw(1, 'edge', 2), draw(2, 'edge', 2), draw(1, 'codec', 2), draw(1, 'edge', 3)];
    assert.equal(new Set(all).size, all.length);
  });

  test('makes an input that fails as small as it can', async () => {
    const input = Buffer.from('aaaaaaaaaXaaaaaYaaaaaaaaaaaaa');
    const small = await shrink(input, (bytes) => bytes.includes('X') && bytes.includes('Y'));
    assert.equal(small.toString(), 'XY');
  });

  test('sees nothing wrong with a message that is refused, and with one that is read', () => {
    assert.equal(faultOf(Buffer.from('c1', 'hex')), undefined);
    assert.equal(faultOf(Buffer.from('81a2696401', 'hex')), undefined);
  });
});
