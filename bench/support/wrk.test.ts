import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { parseWrk } from './wrk.ts';

function printed({ p50 = '560.00us', p99 = '1.20s', problems = '' } = {}): string {
  return `Running 3s test @ http://127.0.0.1:1/echo/hello
  1 threads and 32 connections
  Thread Stats   Avg      Stdev     Max   +/- Stdev
    Latency   612.00us  300.00us   9.10ms   92.00%
    Req/Sec    41.50k     1.50k   44.00k    70.00%
  Latency Distribution
     50%  ${p50}
     75%  640.00us
     90%  810.00us
     99%  ${p99}
  124000 requests in 3.00s, 20.00MB read
${problems}Requests/sec:  41333.25
Transfer/sec:      6.60MB
`;
}

suite('parseWrk', () => {
  test('reads the rate, and latencies in milliseconds whatever their units', () => {
    assert.deepEqual(parseWrk(printed()), {
      perSecond: 41_333.25,
      p50: 0.56,
      p99: 1200,
      refused: 0,
      errors: 0,
    });
    assert.equal(parseWrk(printed({ p99: '7.25ms' })).p99, 7.25);
    assert.equal(parseWrk(printed({ p99: '1.50m' })).p99, 90_000);
  });

  test('counts refusals and every kind of failure', () => {
    const problems =
      '  Socket errors: connect 1, read 20, write 300, timeout 4000\n  Non-2xx or 3xx responses: 17\n';
    const { refused, errors } = parseWrk(printed({ problems }));
    assert.deepEqual([refused, errors], [17, 4321]);
  });

  test('text without a figure is an error that shows it', () => {
    assert.throws(() => parseWrk('unable to connect'), /unable to connect/);
  });
});
