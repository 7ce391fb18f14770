import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { parseH2load } from './h2load.ts';

const log = '1795397137472408\t200\t14000\n1795397137472409\t200\t1500\n1795397137472410\t503\t900\n';

function printed({
  requests = '3 total, 35 started, 3 done, 2 succeeded, 1 failed, 0 errored, 0 timeout',
  codes = '2 2xx, 0 3xx, 0 4xx, 1 5xx',
} = {}): string {
  return `starting benchmark...
Application protocol: h2

finished in 2.01s, 5541.50 req/s, 162.44KB/s
requests: ${requests}
status codes: ${codes}
traffic: 324.88KB (332674) total, 117.63KB (120452) headers (space savings 92.60%), 83.71KB (85720) data
                     min         max         mean         sd        +/- sd
time for request:      900us     14.00ms      5.74ms      6.48ms    93.52%
`;
}

suite('parseH2load', () => {
  test('reads the rate, and latencies in milliseconds from the log', () => {
    assert.deepEqual(parseH2load(printed(), log), {
      perSecond: 5541.5,
      p50: 1.5,
      p99: 14,
      refused: 1,
      errors: 0,
    });
  });

  test('counts what was not answered', () => {
    const requests = '3 total, 35 started, 3 done, 2 succeeded, 1 failed, 4 errored, 30 timeout';
    assert.equal(parseH2load(printed({ requests }), log).errors, 34);
  });

  test('no answer at all is an error', () => {
    const requests = '0 total, 0 started, 0 done, 0 succeeded, 0 failed, 0 errored, 0 timeout';
    assert.throws(() => parseH2load(printed({ requests, codes: '0 2xx' }), ''), /no answer/);
  });

  test('text without a figure is an error that shows it', () => {
    assert.throws(() => parseH2load('unable to connect', log), /unable to connect/);
  });
});
