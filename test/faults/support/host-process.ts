/**
 * A host that is told what to do by the process that started it: the program of {@link FaultHost}. Its log goes to
 * standard output as that of the command line does.
 */
import { Host, type HostOptions } from '../../../runtime/src/host/host.ts';
import { createLogger } from '../../../runtime/src/log/logger.ts';
import type { Order, Reply } from './orders.ts';

const options = JSON.parse(process.argv[2] ?? '{}') as HostOptions;
const log = createLogger({ format: 'text', level: 'info' });
const host = await Host.start({ ...options, httpPort: 0, httpHost: '127.0.0.1', log });
const realNow = Date.now;
const RealDate = Date;

/** Sets the wall clock of this thread forward or, below 0, back. */
function jump(ms: number): void {
  const now = (): number => realNow() + ms;
  const Jumped = class extends RealDate {
    constructor(...given: unknown[]) {
      super(...((given.length === 0 ? [now()] : given) as [number]));
    }
    static override now(): number {
      return now();
    }
  };
  globalThis.Date = Jumped as DateConstructor;
}

async function obey(order: Order): Promise<unknown> {
  switch (order.what) {
    case 'status':
      return host.status();
    case 'jump':
      return jump(order.ms);
    case 'reload':
      return host.reloadPlugin(order.plugin);
    case 'restart':
      return host.restartPlugin(order.plugin);
    case 'start':
      return host.startPlugin(order.plugin);
    case 'stop':
      return host.stop();
    default:
      return order satisfies never;
  }
}

function say(reply: Reply): void {
  process.send?.(reply);
}

process.on('message', (order: Order) => {
  obey(order).then(
    (value) => say({ number: order.number, value }),
    (error: unknown) => say({ number: order.number, error: String(error) }),
  );
});
// Whoever started this has gone: nobody would end it.
const orphaned = (): void => {
  process.kill(process.pid, 'SIGKILL');
};
process.once('disconnect', orphaned);

say({ number: 0, value: host.url });
const { code } = await host.finished;
await log.flush();
process.exitCode = code;
process.off('disconnect', orphaned);
process.disconnect?.();
