import { Buffer } from 'node:buffer';
import type { Dispatcher } from 'undici';
import { Code } from '../../abi/codes.ts';
import { Failure } from '../../ext.ts';
import type { Connection } from './connection.ts';
import { EgressRefusal } from './egress-refusal.ts';
import type { Hop } from './redirect.ts';
import { type ReplyHeaders, replyHeaders } from './reply.ts';
import { requestPath } from './target.ts';

/** A body that nobody wants is read up to so many bytes to keep its connection; beyond, the connection is closed. */
export const maxDrainBytes = 64 * 1024;

/** The head of an answer. All text is binary strings. */
export interface AnswerHead {
  readonly status: number;
  /** Names and values in turn, as they were received. */
  readonly raw: readonly string[];
  /** The same as guests get them. */
  readonly headers: ReplyHeaders;
}

export interface Answer extends AnswerHead {
  readonly body: Buffer;
}

export interface ExchangeOptions {
  readonly hop: Hop;
  /** How many bytes of body are wanted, seen the head; undefined: none, and it is not waited for. May throw. */
  readonly wanted: (head: AnswerHead) => number | undefined;
  /** When it aborts the exchange ends at once, with its reason. */
  readonly signal: AbortSignal;
  /** Called once when nothing is on its way any more; `failed` when the connection has to go. */
  readonly over: (failed: Error | undefined) => void;
}

/** A failure of the network or the server, and whether the request may be made again because of it. */
export class ExchangeFailure extends Failure {
  /** The connection ended before any answer, and the server has either not read the request or may read it twice. */
  readonly repeatable: boolean;

  constructor(error: Error, repeatable: boolean) {
    super(Code.refused, describe(error), { cause: error });
    this.repeatable = repeatable;
  }
}

/** Methods that may be sent twice, as Go has them. */
const repeatableMethods: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS', 'TRACE']);

/**
 * Makes one request and reads its answer. Rejects with a {@link Failure} with code 4 when it fails or is more than
 * was wanted, with {@link EgressRefusal} when the destination is not allowed, and with the signal's reason.
 */
export function exchange(connection: Connection, options: ExchangeOptions): Promise<Answer> {
  const { hop, signal } = options;
  return new Promise((resolve, reject) => {
    const cancel = (): void => handler.fail(signal.reason);
    const over = (failed: Error | undefined): void => {
      signal.removeEventListener('abort', cancel);
      options.over(failed);
    };
    const handler = new AnswerReader(connection, { ...options, resolve, reject, over });
    signal.addEventListener('abort', cancel);
    connection.request(
      {
        origin: hop.url.origin,
        path: requestPath(hop.url),
        method: hop.method,
        headers: hop.headers.flat(),
        body:
          hop.body.length === 0 ? null : Buffer.from(hop.body.buffer, hop.body.byteOffset, hop.body.length),
      },
      handler,
    );
  });
}

interface ReaderOptions extends ExchangeOptions {
  readonly resolve: (answer: Answer) => void;
  readonly reject: (reason: unknown) => void;
}

/** What undici calls as an answer comes in. Nothing in it may throw: undici would not survive it. */
class AnswerReader implements Dispatcher.DispatchHandler {
  readonly #connection: Connection;
  readonly #options: ReaderOptions;
  readonly #body = new GrowingBody();
  #head: AnswerHead = { status: 0, raw: [], headers: new Map() };
  #limit: number | undefined;
  #sent = false;
  #answered = false;
  /** Nothing is on its way any more. */
  #over = false;

  constructor(connection: Connection, options: ReaderOptions) {
    this.#connection = connection;
    this.#options = options;
  }

  onRequestStart(): void {
    this.#sent = true;
  }

  onResponseStarted(): void {
    this.#answered = true;
  }

  onResponseStart({ rawHeaders }: Dispatcher.DispatchController, status: number): void {
    if (status < 200) return;
    const received: readonly unknown[] = Array.isArray(rawHeaders) ? rawHeaders : [];
    const raw = received.map((text) => (text instanceof Buffer ? text.toString('latin1') : String(text)));
    try {
      this.#head = { status, raw, headers: replyHeaders(raw) };
      this.#limit = this.#options.wanted(this.#head);
    } catch (error) {
      this.fail(error);
      return;
    }
    if (this.#limit === undefined) this.#options.resolve({ ...this.#head, body: noBody });
  }

  onResponseData(_controller: Dispatcher.DispatchController, chunk: Buffer): void {
    if (this.#over) return;
    const limit = this.#limit ?? maxDrainBytes;
    if (this.#body.length + chunk.length > limit) {
      this.fail(new Failure(Code.refused, `the body is over ${limit} bytes`));
    } else this.#body.append(chunk);
  }

  onResponseEnd(): void {
    const { fault } = this.#connection;
    if (fault !== undefined) {
      this.fail(new ExchangeFailure(fault, false));
      return;
    }
    if (this.#over) return;
    this.#options.resolve({ ...this.#head, body: this.#body.bytes() });
    this.#end(undefined);
  }

  onResponseError(_controller: Dispatcher.DispatchController | null, error: Error): void {
    if (error instanceof EgressRefusal) this.fail(error);
    else {
      const early = !this.#answered && this.#connection.reused;
      const repeatable = early && (!this.#sent || repeatableMethods.has(this.#options.hop.method));
      this.fail(new ExchangeFailure(error, repeatable));
    }
  }

  /** Ends the exchange unless it is over. */
  fail(reason: unknown): void {
    if (this.#over) return;
    this.#options.reject(reason);
    this.#end(reason instanceof Error ? reason : new Error(String(reason)));
  }

  #end(failed: Error | undefined): void {
    this.#over = true;
    this.#options.over(failed);
  }
}

const noBody = Buffer.alloc(0);

/** Collects a body in one piece: a server that sends it byte by byte must not cost an object for each. */
class GrowingBody {
  #bytes: Buffer = noBody;
  length = 0;

  /** Takes a chunk. The first is kept as it is: most bodies have no other. */
  append(chunk: Buffer): void {
    const needed = this.length + chunk.length;
    if (this.length === 0) {
      this.#bytes = chunk;
      this.length = needed;
      return;
    }
    if (needed > this.#bytes.length) {
      const larger = Buffer.allocUnsafeSlow(Math.max(needed, this.#bytes.length * 2, 16 * 1024));
      larger.set(this.#bytes.subarray(0, this.length));
      this.#bytes = larger;
    }
    this.#bytes.set(chunk, this.length);
    this.length = needed;
  }

  bytes(): Buffer {
    return this.#bytes.subarray(0, this.length);
  }
}

/** What an error says. One for several addresses has no message of its own. */
function describe(error: Error): string {
  if (error instanceof AggregateError) {
    const causes = error.errors.map((cause) => (cause instanceof Error ? cause.message : String(cause)));
    return causes.slice(0, 4).join('; ');
  }
  return error.message;
}
