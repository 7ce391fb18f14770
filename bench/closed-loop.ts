/**
 * A closed-loop load generator, for machines without wrk: every connection sends its next request when the
 * one before is answered. It runs as a process of its own; options and result are JSON.
 */
import { Connection } from './support/connection.ts';
import type { Load, LoadOptions } from './support/load.ts';
import { moduleOptions } from './support/owned-process.ts';
import { quantile } from './support/statistics.ts';

/** Loads a server for a while. Rejects when it accepts no connections. */
async function closedLoop({ port, path, connections, seconds }: LoadOptions): Promise<Load> {
  const latencies: number[] = [];
  const sent = new Map<Connection, number>();
  let refused = 0;
  let errors = 0;
  let until = Number.POSITIVE_INFINITY;

  const send = (connection: Connection): void => {
    sent.set(connection, performance.now());
    connection.send();
  };
  const open = (): Promise<Connection> =>
    Connection.open({
      port,
      path,
      answered(connection, status) {
        const now = performance.now();
        if (now > until) return;
        latencies.push(now - (sent.get(connection) ?? now));
        if (status < 200 || status > 299) refused += 1;
        send(connection);
      },
      lost() {
        errors += 1;
      },
    });
  const all = await Promise.all(Array.from({ length: connections }, open));

  const start = performance.now();
  until = start + seconds * 1000;
  for (const connection of all) send(connection);
  await new Promise((resolve) => setTimeout(resolve, seconds * 1000));
  const elapsed = (performance.now() - start) / 1000;
  for (const connection of all) connection.close();

  const sorted = Float64Array.from(latencies).toSorted();
  return {
    perSecond: latencies.length / elapsed,
    p50: quantile(sorted, 0.5),
    p99: quantile(sorted, 0.99),
    refused,
    errors,
  };
}

const load = await closedLoop(moduleOptions() as LoadOptions);
process.stdout.write(JSON.stringify(load));
