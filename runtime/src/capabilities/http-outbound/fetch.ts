import { type SecureContext, createSecureContext } from 'node:tls';
import { Code } from '../../abi/codes.ts';
import { Failure, type Log } from '../../ext.ts';
import { ConnectionPool } from './connection-pool.ts';
import { codingsOf, decodeBody } from './decode-body.ts';
import type { EgressPolicy } from './egress-policy.ts';
import { type Answer, type AnswerHead, ExchangeFailure, exchange } from './exchange.ts';
import { EgressRefusal } from './egress-refusal.ts';
import { type Resolve, openSocket } from './open-socket.ts';
import { type Hop, follow, isRedirect } from './redirect.ts';
import type { Reply } from './reply.ts';
import { destinationOf } from './target.ts';
import { trustedCertificates } from './trusted-certificates.ts';

export interface FetcherOptions {
  readonly policy: EgressPolicy;
  readonly resolve: Resolve;
  readonly log: Log;
  /** Called for each destination that the policy does not allow. */
  readonly refused: (origin: string, reason: string) => void;
  /** Keeps the thread on its event loop: held for each open socket. */
  readonly ref: () => Disposable;
  /** Bytes of a body as it is received, and once it is decoded. */
  readonly maxBodyBytes: number;
  /** 0: redirects are answers like any other. */
  readonly maxRedirects: number;
}

export interface FetchOptions {
  /** Whether codings of the body are undone. */
  readonly decode: boolean;
  /** For all of it, redirects and body included, in milliseconds. */
  readonly timeoutMs: number;
}

/** Makes the requests of one plugin, and keeps its connections. */
export class Fetcher {
  readonly #options: FetcherOptions;
  readonly #pool: ConnectionPool;
  readonly #running = new Set<AbortController>();
  #secureContext: SecureContext | undefined;

  constructor(options: FetcherOptions) {
    this.#options = options;
    this.#pool = new ConnectionPool(options.ref);
  }

  /**
   * Makes a request and those that redirects lead to. Rejects with a {@link Failure} with code 4, whose message
   * names the origin that it is about and nothing else of the URL.
   */
  async fetch(first: Hop, { decode, timeoutMs }: FetchOptions): Promise<Reply> {
    const running = new AbortController();
    const { signal } = running;
    // Failures are made where they are needed: what a stack costs is a tenth of a fetch.
    const timer = setTimeout(() => {
      running.abort(new Failure(Code.refused, `it was not over after ${timeoutMs} ms`));
    }, timeoutMs);
    this.#running.add(running);
    let unread = true;
    try {
      for (let hop = first, hops = 0; ; hops++) {
        try {
          const answer = await this.#send(hop, signal);
          const next = this.#next(hop, answer, hops);
          if (next === undefined) {
            unread = hops > 0;
            return await this.#reply(hop, answer, { decode, signal });
          }
          hop = next;
        } catch (error) {
          const { origin } = hop.url;
          if (error instanceof EgressRefusal) this.#options.refused(origin, error.message);
          // Anything else is a mistake of ours.
          if (!(error instanceof Failure)) throw error;
          throw new Failure(error.code, `${origin}: ${error.message}`, { cause: error });
        }
      }
    } finally {
      clearTimeout(timer);
      this.#running.delete(running);
      // What a redirect left.
      if (unread) running.abort(new Failure(Code.refused, 'nobody waits for it any more'));
    }
  }

  /** Ends all that is on its way, and every connection. */
  close(): void {
    for (const running of this.#running) running.abort(new Failure(Code.refused, 'the plugin ends'));
    this.#pool.destroy();
  }

  /** One request, made a second time when the connection had ended before anyone could notice. */
  async #send(hop: Hop, signal: AbortSignal): Promise<Answer> {
    const { origin, protocol } = hop.url;
    const destination = destinationOf(hop.url);
    const refusal = this.#options.policy.refusesHost(destination);
    if (refusal !== undefined) throw new EgressRefusal(refusal);
    const secureContext = protocol === 'https:' ? this.#trust() : undefined;
    for (;;) {
      signal.throwIfAborted();
      const connection =
        this.#pool.take(origin) ??
        this.#pool.create({
          origin,
          open: () => openSocket(destination, { ...this.#options, secureContext }),
        });
      try {
        return await exchange(connection, {
          hop,
          signal,
          wanted: (head) => this.#wanted(hop, head),
          over: (failed) => {
            if (failed === undefined) this.#pool.give(connection);
            else this.#pool.end(connection, failed);
          },
        });
      } catch (error) {
        // Each time one idle connection less: in the end a new one, whose failure counts.
        if (!(error instanceof ExchangeFailure && error.repeatable)) throw error;
      }
    }
  }

  #wanted(hop: Hop, { status, headers }: AnswerHead): number | undefined {
    const { maxBodyBytes, maxRedirects } = this.#options;
    if (maxRedirects > 0 && isRedirect(status) && headers.has('Location')) return undefined;
    const announced = headers.get('Content-Length');
    const hasBody = hop.method !== 'HEAD' && status !== 204 && status !== 304;
    if (hasBody && announced !== undefined && Number(announced) > maxBodyBytes) {
      throw new Failure(
        Code.refused,
        `a body of ${announced.slice(0, 20)} bytes; at most ${maxBodyBytes} are read`,
      );
    }
    return maxBodyBytes;
  }

  /** The request that an answer leads to; undefined when it is the answer. */
  #next(hop: Hop, { status, headers }: Answer, hops: number): Hop | undefined {
    const { maxRedirects } = this.#options;
    const location = isRedirect(status) ? headers.get('Location') : undefined;
    if (maxRedirects === 0 || location === undefined) return undefined;
    if (hops === maxRedirects) throw new Failure(Code.refused, `more than ${maxRedirects} redirects`);
    return follow(hop, status, location);
  }

  async #reply(
    { method }: Hop,
    { status, raw, headers, body }: Answer,
    { decode, signal }: { readonly decode: boolean; readonly signal: AbortSignal },
  ): Promise<Reply> {
    // The headers of an answer that has no body are about the one that it would have.
    const hasBody = method !== 'HEAD' && status !== 204 && status !== 304;
    if (!decode || !hasBody || !headers.has('Content-Encoding')) return { status, headers, body };
    const codings = codingsOf(allOf(raw, 'content-encoding'));
    if (codings.length === 0) return { status, headers, body };
    const decoding = decodeBody(body, { codings, limit: this.#options.maxBodyBytes });
    const decoded = await Promise.race([decoding, aborted(signal)]);
    const rest = new Map(headers);
    rest.delete('Content-Encoding');
    rest.delete('Content-Length');
    return { status, headers: rest, body: decoded };
  }

  #trust(): SecureContext {
    this.#secureContext ??= createSecureContext({
      ca: [...trustedCertificates(this.#options.log)],
      minVersion: 'TLSv1.2',
    });
    return this.#secureContext;
  }
}

/** All values of a header, as one list. */
function allOf(raw: readonly string[], lowerName: string): string {
  const values = raw.filter((_text, at) => at % 2 === 1 && raw[at - 1]?.toLowerCase() === lowerName);
  return values.join(',');
}

/** Rejects with the signal's reason when it aborts. */
function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_resolve, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason), { once: true });
  });
}
