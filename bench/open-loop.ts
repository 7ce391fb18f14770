/**
 * An open-loop load generator: it sends at a fixed rate whatever the server does, and measures each answer
 * from when its request *should* have been sent. So a server that stalls pays for every request that would
 * have arrived meanwhile, which a closed loop forgets (coordinated omission). It runs as a process of its
 * own; options and result are JSON.
 */
import { Connection } from './support/connection.ts';
import { Metronome, steadyNow } from './support/metronome.ts';
import { moduleOptions, runModule } from './support/owned-process.ts';
import { quantile } from './support/statistics.ts';

export interface OpenLoopOptions {
  /** On 127.0.0.1. */
  readonly port: number;
  readonly path: string;
  /** Requests a second. */
  readonly rate: number;
  readonly seconds: number;
  /** Keep-alive connections. A request that finds none free waits for one, and its time counts. */
  readonly connections: number;
}

/** What an open-loop run saw. Times are in milliseconds. */
export interface OpenLoad {
  /** Answers that came, as a rate. Less than the one asked for: the server did not keep up. */
  readonly perSecond: number;
  readonly p50: number;
  readonly p99: number;
  /** Answers whose status was not 2xx. */
  readonly refused: number;
  /** Requests that had no answer when the patience was over, and connections that broke. */
  readonly errors: number;
  /** By how much the generator itself was late, p99: what it cannot tell from the server's doing. */
  readonly lagP99: number;
}

/** Between two moments of sending, in milliseconds: requests due in between are sent together. */
const beatMs = 0.25;
/** How long the schedule runs before anything counts, in seconds. */
const warmUpSeconds = 0.5;
/** How long answers may take after the last request, in milliseconds. */
const patienceMs = 2000;

/** Runs {@link openLoop} in a process of its own. */
export async function runOpenLoop(options: OpenLoopOptions): Promise<OpenLoad> {
  const timeoutMs = (options.seconds + 30) * 1000;
  return (await runModule(new URL(import.meta.url), options, timeoutMs)) as OpenLoad;
}

async function openLoop({ port, path, rate, seconds, connections }: OpenLoopOptions): Promise<OpenLoad> {
  /** When the request that a connection waits for was to be sent. */
  const intended = new Map<Connection, number>();
  const free: Connection[] = [];
  const overdue: number[] = [];
  let nextOverdue = 0;
  const latencies: number[] = [];
  const lags: number[] = [];
  const counts = { answered: 0, refused: 0, errors: 0 };
  const start = steadyNow() + 100;
  const countFrom = start + warmUpSeconds * 1000;

  const send = (connection: Connection, due: number): void => {
    intended.set(connection, due);
    connection.send();
  };
  const open = (): Promise<Connection> =>
    Connection.open({
      port,
      path,
      answered(connection, status) {
        const due = intended.get(connection) ?? Number.NaN;
        counts.answered += 1;
        if (status < 200 || status > 299) counts.refused += 1;
        if (due >= countFrom) latencies.push(steadyNow() - due);
        const waiting = overdue[nextOverdue];
        if (waiting === undefined) free.push(connection);
        else {
          nextOverdue += 1;
          send(connection, waiting);
        }
      },
      lost() {
        counts.errors += 1;
      },
    });
  const all = await Promise.all(Array.from({ length: connections }, open));
  free.push(...all);

  await using metronome = new Metronome({ start, interval: beatMs });
  const total = Math.round(rate * (warmUpSeconds + seconds));
  const deadline = start + (warmUpSeconds + seconds) * 1000 + patienceMs;
  let sent = 0;
  while (sent < total || (counts.answered < total && steadyNow() < deadline)) {
    await metronome.beat();
    const now = steadyNow();
    // Requests are due on the beat: between two beats nothing could be sent.
    for (; sent < total; sent += 1) {
      const due = start + Math.ceil(((sent / rate) * 1000) / beatMs) * beatMs;
      if (due > now) break;
      const connection = free.pop();
      if (connection === undefined) {
        overdue.push(due);
        continue;
      }
      if (due >= countFrom) lags.push(now - due);
      send(connection, due);
    }
  }
  for (const connection of all) connection.close();

  const sorted = Float64Array.from(latencies).toSorted();
  return {
    perSecond: sorted.length / seconds,
    p50: quantile(sorted, 0.5),
    p99: quantile(sorted, 0.99),
    refused: counts.refused,
    errors: counts.errors + total - counts.answered,
    lagP99: quantile(Float64Array.from(lags).toSorted(), 0.99),
  };
}

if (import.meta.main) {
  process.stdout.write(JSON.stringify(await openLoop(moduleOptions() as OpenLoopOptions)));
}
