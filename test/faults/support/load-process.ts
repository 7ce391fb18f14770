/**
 * A steady load, as a process of its own: the program of {@link Neighbour}. Every connection asks at its own beat;
 * times are counted from when a request was due, so that a server that does not answer for a while is not spared
 * the requests that it kept from being sent.
 */
import { connect, type Socket } from 'node:net';
import { ResponseReader } from '../../../bench/support/response-reader.ts';
import { quantile } from '../../../bench/support/statistics.ts';
import type { LoadOptions, LoadWindow } from './neighbour.ts';

const options = JSON.parse(process.argv[2] ?? '{}') as LoadOptions;
const beatMs = (options.connections * 1000) / options.perSecond;

let times: number[] = [];
let errors = 0;
let firstError: string | undefined;

function failed(what: string): void {
  errors += 1;
  firstError ??= what;
}

/** One connection. It is made again when it is lost. */
class Client {
  readonly #name: number;
  #socket: Socket | undefined;
  #count = 0;
  #token = '';
  #due: number;
  #waits = false;

  constructor(name: number) {
    this.#name = name;
    this.#due = performance.now() + (name / options.connections) * beatMs;
    this.#connect();
    this.#schedule();
  }

  #connect(): void {
    const socket = connect({ port: options.port, host: '127.0.0.1', noDelay: true });
    this.#socket = socket;
    const reader = new ResponseReader((status, bytes) => this.#answered(status, bytes));
    socket.on('data', (chunk: Buffer) => reader.push(chunk));
    socket.on('error', (error) => failed(error.message));
    socket.on('close', () => {
      failed('the connection was closed');
      this.#waits = false;
      setTimeout(() => {
        this.#connect();
        this.#schedule();
      }, 20);
    });
  }

  #schedule(): void {
    const late = performance.now() - this.#due;
    if (late >= 0) this.#send();
    else setTimeout(() => this.#send(), -late);
  }

  #send(): void {
    if (this.#waits) return;
    this.#waits = true;
    this.#token = `${this.#name}-${this.#count++}`;
    this.#socket?.write(`GET ${options.path}/${this.#token} HTTP/1.1\r\nHost: neighbour\r\n\r\n`);
  }

  #answered(status: number, bytes: Buffer): void {
    const took = performance.now() - this.#due;
    times.push(took);
    const body = bytes.subarray(bytes.indexOf('\r\n\r\n') + 4).toString('latin1');
    if (status !== 200) failed(`status ${status}: ${body}`);
    else if (body !== this.#token) failed(`${body} instead of ${this.#token}`);
    this.#waits = false;
    this.#due += beatMs;
    this.#schedule();
  }
}

function takeWindow(): LoadWindow {
  const sorted = Float64Array.from(times).toSorted();
  const window: LoadWindow = {
    requests: sorted.length,
    errors,
    ...(firstError === undefined ? {} : { firstError }),
    p50: quantile(sorted, 0.5),
    p99: quantile(sorted, 0.99),
    longest: quantile(sorted, 1),
  };
  times = [];
  errors = 0;
  firstError = undefined;
  return window;
}

Array.from({ length: options.connections }, (_, name) => new Client(name));
process.on('message', () => process.send?.(takeWindow()));
process.on('disconnect', () => process.exit());
