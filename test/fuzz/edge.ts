import { connect } from 'node:net';
import { Host } from '../../runtime/src/host/host.ts';
import type { LogFields } from '../../runtime/src/ext.ts';
import { exampleManifest } from '../support/example-plugins.ts';
import { silent } from '../support/guest-context.ts';
import { reset } from '../support/reset.ts';
import { type Driver, Finding } from './driver.ts';
import { Random } from './support/random.ts';
import { request } from './support/request.ts';
import { shrink } from './support/shrink.ts';

/** How long an answer is waited for before the client leaves, in milliseconds: most have had theirs by then. */
const patienceMs = 25;

/** How long the good request may take that shows that the host is well, in milliseconds. */
const aliveMs = 20_000;

/** Connections at a time. */
const lanes = 60;

/** The listener of a host with the plugin `echo`: bytes as no client sends them, over real connections. */
export async function edgeDriver(): Promise<Driver> {
  const failures: string[] = [];
  const host = await Host.start({
    manifest: exampleManifest('echo'),
    httpPort: 0,
    httpHost: '127.0.0.1',
    log: {
      ...silent,
      error: (message: string, fields: LogFields = {}) => {
        failures.push(`${message} ${JSON.stringify(fields)}`);
      },
    },
  });
  const port = Number(new URL(host.url ?? '').port);
  const blockCases = 300;

  /** Sends the bytes of one case, and gives what is wrong with what came back. */
  const faultOf = async (bytes: Buffer): Promise<string | undefined> => {
    const answer = await exchange(port, bytes);
    const [failure] = failures;
    if (failure !== undefined) return failure;
    if (answer.length > 0 && !answer.startsWith('HTTP/1.1 '))
      return `the answer is not HTTP: ${answer.slice(0, 100)}`;
    return undefined;
  };

  return {
    name: 'edge',
    blockCases,
    async run(seed, block) {
      const random = Random.derive(seed, 'edge', block);
      const cases = Array.from({ length: blockCases }, () => request(random));
      const left = [...cases];
      const lane = async (): Promise<void> => {
        for (let bytes = left.pop(); bytes !== undefined; bytes = left.pop()) {
          const fault = await faultOf(bytes);
          if (fault === undefined) continue;
          const small = await shrink(bytes, async (candidate) => {
            failures.length = 0;
            return (await faultOf(candidate)) !== undefined;
          });
          throw new Finding(fault, JSON.stringify(small.toString('latin1')));
        }
      };
      await Promise.all(Array.from({ length: lanes }, lane));
      await alive(host.url, block);
    },
    async [Symbol.asyncDispose]() {
      await host.stop();
    },
  };
}

/** A good request is answered. */
async function alive(url: string | undefined, block: number): Promise<void> {
  try {
    const response = await fetch(`${url}/echo/alive-${block}`, { signal: AbortSignal.timeout(aliveMs) });
    const text = await response.text();
    if (response.status === 200 && text === `alive-${block}`) return;
    throw new Error(`it was answered with ${response.status} ${text}`);
  } catch (error) {
    throw new Finding('a good request was not answered behind these', `block ${block}`, { cause: error });
  }
}

/** Sends bytes over a connection of their own, says that no more is coming, and gives what came back. */
function exchange(port: number, bytes: Buffer): Promise<string> {
  const { promise, resolve } = Promise.withResolvers<string>();
  let text = '';
  const socket = connect({ port, host: '127.0.0.1', noDelay: true, allowHalfOpen: true });
  const over = (): void => {
    clearTimeout(timer);
    // In order, ports of connections that are over would be taken for a minute.
    reset(socket);
    resolve(text);
  };
  const timer = setTimeout(over, patienceMs);
  socket.setEncoding('latin1');
  socket.on('data', (chunk: string) => {
    if (text.length < 1000) text += chunk;
  });
  socket.on('end', over);
  socket.on('error', over);
  socket.end(bytes);
  return promise;
}
