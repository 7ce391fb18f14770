/** WebSocket messages sent back, round trips a second, beside `ws` alone. */
import { join } from 'node:path';
import { wsGuest } from '../test/support/ws-guest.ts';
import { milliseconds, rate } from './support/format.ts';
import type { Benchmark, Context, Result, Row } from './support/measurement.ts';
import { runModule } from './support/owned-process.ts';
import { ServerProcess } from './support/server-process.ts';
import { median } from './support/statistics.ts';
import type { RoundTripOptions, RoundTrips } from './support/websocket-client.ts';
import { startWatPlugin } from './support/wat-plugin.ts';

const connectionCounts = [1, 100, 1000] as const;

/** The least share of the round trips of `ws` alone. */
const goal = 0.7;

interface Series {
  readonly connections: number;
  readonly pulp: RoundTrips[];
  readonly bare: RoundTrips[];
}

export const websocket: Benchmark = {
  name: 'websocket',
  about: 'WebSocket messages sent back, beside ws alone',
  async run(context) {
    const [rounds, seconds] = context.quick ? [1, 1] : [3, 2];
    await using scope = new AsyncDisposableStack();
    const pulp = scope.use(
      await startWatPlugin({
        name: 'echo',
        guest: wsGuest(['/ws']),
        capabilities: ['transport.http.inbound', 'transport.ws.inbound'],
      }),
    );
    const bare = scope.use(
      await ServerProcess.start({
        name: 'bare ws',
        args: [join('bench', 'support', 'bare-websocket-server.js')],
        cwd: join(import.meta.dirname, '..'),
        listening: /^listening on 127\.0\.0\.1:(\d+)$/m,
      }),
    );
    for (const { port } of [pulp, bare]) await load({ port, connections: 32, seconds: 1 });
    const all: Series[] = [];
    for (const connections of connectionCounts) {
      const series: Series = { connections, pulp: [], bare: [] };
      for (let round = 1; round <= rounds; round++) {
        series.pulp.push(await load({ port: pulp.port, connections, seconds }));
        series.bare.push(await load({ port: bare.port, connections, seconds }));
        say(context, series);
      }
      all.push(series);
    }
    return report(all);
  },
};

async function load(options: RoundTripOptions): Promise<RoundTrips> {
  return (await runModule(new URL('support/websocket-client.ts', import.meta.url), options)) as RoundTrips;
}

function say({ log }: Context, { connections, pulp, bare }: Series): void {
  log(
    `websocket: ${connections} connections, round ${pulp.length}: ${rate(pulp.at(-1)?.perSecond ?? 0)}, ` +
      `ws alone ${rate(bare.at(-1)?.perSecond ?? 0)}`,
  );
}

function report(all: readonly Series[]): Result {
  const rows = all.map(({ connections, pulp, bare }): Row => {
    const own = median(pulp.map(({ perSecond }) => perSecond));
    const other = median(bare.map(({ perSecond }) => perSecond));
    const p50 = median(pulp.map((round) => round.p50));
    return {
      what: `WebSocket round trips, ${connections} connections`,
      measured: `${rate(own)}, p50 ${milliseconds(p50)}`,
      beside: `ws alone: ${rate(other)}`,
      ratio: own / other,
      goals: [{ text: `≥ ${goal} of ws alone`, met: own / other >= goal }],
    };
  });
  return { rows, notes: [], raw: all };
}
