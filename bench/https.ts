/** Requests a second of the echo plugin over HTTPS/1.1 and over HTTP/2, beside bare node:https and node:http2. */
import { join } from 'node:path';
import { certificateFile, httpsFlags } from '../test/support/https-certificates.ts';
import { hasH2load, runH2load } from './support/h2load.ts';
import { type Load, wrk } from './support/load.ts';
import { describeLoad, failures, middle } from './support/load-figures.ts';
import type { Benchmark, Result, Row } from './support/measurement.ts';
import { exchangeHttp2, exchangeHttps } from './support/secure-exchange.ts';
import { ServerProcess } from './support/server-process.ts';
import { checkSame, echoPath, plugins } from './support/subjects.ts';

/** A protocol, and what speaks it. */
interface Protocol {
  readonly name: string;
  /** What stands beside the plugin: a module of `support/`. */
  readonly bare: { readonly name: string; readonly module: string };
  readonly generator: { readonly name: string; readonly isThere: () => Promise<boolean> };
  /** Requests under way, as the table calls them. */
  readonly load: string;
  readonly exchange: (port: number, path: string) => Promise<string>;
  readonly run: (port: number, seconds: number) => Promise<Load>;
}

const protocols: readonly Protocol[] = [
  {
    name: 'HTTPS/1.1',
    bare: { name: 'bare node:https', module: 'bare-https-server.js' },
    generator: { name: 'wrk', isThere: () => wrk.isThere() },
    load: 'c=32',
    exchange: exchangeHttps,
    run: (port, seconds) => wrk.run({ scheme: 'https', port, path: echoPath, connections: 32, seconds }),
  },
  {
    name: 'HTTP/2',
    bare: { name: 'bare node:http2', module: 'bare-http2-server.js' },
    generator: { name: 'h2load', isThere: hasH2load },
    load: 'c=4 with 8 streams each',
    exchange: exchangeHttp2,
    run: (port, seconds) => runH2load({ port, path: echoPath, connections: 4, streams: 8, seconds }),
  },
];

/** Every round of one protocol. */
interface Series {
  readonly protocol: Protocol;
  readonly pulp: Load[];
  readonly bare: Load[];
}

export const https: Benchmark = {
  name: 'https',
  about: 'the echo plugin over HTTPS/1.1 and HTTP/2 against bare node:https and node:http2',
  async run(context) {
    const { log } = context;
    const plan = context.quick
      ? { rounds: 1, seconds: 1, warmUpSeconds: 1 }
      : { rounds: 3, seconds: 2, warmUpSeconds: 2 };
    const { subjects, skipped } = await plugins(context, httpsFlags());
    const echo = subjects.find(({ key }) => key === 'echo');
    if (echo === undefined) return { rows: [], notes: skipped, raw: [] };
    await using scope = new AsyncDisposableStack();
    const notes: string[] = [];
    const all: Series[] = [];
    const pulp = scope.use(await echo.start());
    for (const protocol of protocols) {
      const { name, bare, generator, exchange, run } = protocol;
      if (!(await generator.isThere())) {
        notes.push(`${name} was skipped: ${generator.name} is not installed.`);
        continue;
      }
      notes.push(`Load of ${name}: ${generator.name}, one thread.`);
      const server = scope.use(await startBare(bare));
      checkSame({
        found: await exchange(pulp.port, echoPath),
        expected: await exchange(server.port, echoPath),
        names: [echo.name, bare.name],
      });
      log(`https: warming up ${name}`);
      for (const { port } of [pulp, server]) await run(port, plan.warmUpSeconds);
      const series: Series = { protocol, pulp: [], bare: [] };
      for (let round = 1; round <= plan.rounds; round++) {
        for (const [key, { port }] of [
          ['pulp', pulp],
          ['bare', server],
        ] as const) {
          const load = await run(port, plan.seconds);
          series[key].push(load);
          const who = key === 'pulp' ? echo.name : bare.name;
          log(`https: ${name} round ${round}/${plan.rounds}: ${who} ${describeLoad(load)}`);
        }
      }
      all.push(series);
    }
    return report(all, notes);
  },
};

function startBare({ name, module }: Protocol['bare']): Promise<ServerProcess> {
  const files = ['first.crt', 'first.key'].map((file) => certificateFile(file));
  return ServerProcess.start({
    name,
    args: [join('bench', 'support', module), ...files],
    cwd: join(import.meta.dirname, '..'),
    listening: /^listening on 127\.0\.0\.1:(\d+)$/m,
  });
}

function report(all: readonly Series[], notes: readonly string[]): Result {
  const rows = all.map(({ protocol, pulp, bare }): Row => {
    const [own, best] = [middle(pulp), middle(bare)];
    return {
      what: `echo (AssemblyScript) over ${protocol.name}, ${protocol.load}`,
      measured: describeLoad(own),
      beside: `${protocol.bare.name}: ${describeLoad(best)}`,
      ratio: own.perSecond / best.perSecond,
      goals: [{ text: 'nothing refused', met: failures(pulp) === 0 }],
    };
  });
  const raw = all.map(({ protocol: { name }, ...rounds }) => ({ protocol: name, ...rounds }));
  return { rows, notes, raw };
}
