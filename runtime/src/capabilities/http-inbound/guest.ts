import { Code } from '../../abi/codes.ts';
import { canonicalHeaderName, isHeaderName, isHeaderValue } from '../../abi/header-name.ts';
import { decodeHttpResponse, decodeRoute } from '../../abi/structs.ts';
import { Failure, type GuestContext, type GuestEnd } from '../../ext.ts';
import { contentTypeOf } from './content-type.ts';
import {
  type Answer,
  Effect,
  encodeAnswer,
  encodeClaim,
  maxAnswerHeaderBytes,
  maxAnswerHeaders,
  maxMethodBytes,
  maxPatternBytes,
} from './wire.ts';

/**
 * Headers that describe the connection or the framing: those are the edge's. `Trailer` announces fields behind
 * a chunked body, which answers here never have; Node throws on it.
 */
const dropped: ReadonlySet<string> = new Set([
  'Content-Length',
  'Transfer-Encoding',
  'Connection',
  'Keep-Alive',
  'Trailer',
]);

type Response = ReturnType<typeof decodeHttpResponse>;

/** The guest end: checks what the guest says, so that nothing a guest returns can throw on the edge. */
export function guest(context: GuestContext): GuestEnd<Functions> {
  let answered = true;
  return {
    functions: {
      http_register(bytes) {
        const request = decodeRoute(bytes);
        // Before anything is made of them: a text of a guest can be as large as its memory, and what is made of such
        // a one in the engine's heap ends the process.
        if (request.method.length > maxMethodBytes || request.path.length > maxPatternBytes) {
          throw new Failure(
            Code.refused,
            `a method of ${request.method.length} and a route pattern of ${request.path.length} bytes; ` +
              `at most ${maxMethodBytes} and ${maxPatternBytes} are taken`,
          );
        }
        // Blanks as in ASCII: the text is bytes, and \s would find one inside of UTF-8.
        const token = request.method.replaceAll(/^[ \t\r\n]+|[ \t\r\n]+$/g, '');
        const { path: pattern } = request;
        if (!isHeaderName(token)) throw new Failure(Code.refused, `"${token}" is not an HTTP method`);
        // Only now: in upper case some letters beyond ASCII become letters of ASCII.
        const method = token.toUpperCase();
        if (!pattern.startsWith('/')) throw new Failure(Code.refused, 'a route pattern begins with /');
        if (/[ \t\r\n\f\v?#]/.test(pattern)) {
          throw new Failure(Code.refused, 'a route pattern has no blank, ? or # in it');
        }
        const code = context.ask(Effect.register, encodeClaim({ method, pattern }));
        if (code !== 0) throw new Failure(code, `the route ${method} ${pattern} was not taken`);
      },
      http_respond(bytes) {
        const response = decodeHttpResponse(bytes);
        const { event } = context;
        if (answered || event === undefined || event.id !== response.id) {
          throw new Failure(Code.refused, `no request with the id ${response.id} is waiting`);
        }
        answered = true;
        // Sent even when the event is cancelled: at a shutdown that may cross the beginning of the step, whose
        // client still waits. When nobody does, the edge drops it.
        context.send(Effect.respond, encodeAnswer(toAnswer(response, context)), event.id);
      },
    },
    deliver() {
      answered = false;
    },
  };
}

type Functions = {
  readonly http_register: { readonly params: readonly ['in'] };
  readonly http_respond: { readonly params: readonly ['in'] };
};

/** Statuses whose answers have no body, whatever the guest says (RFC 9110 sections 15.3.5, 15.3.6, 15.4.5). */
const bodiless: ReadonlySet<number> = new Set([204, 205, 304]);
const none = new Uint8Array(0);

/** What the edge will write: the guest's response, or 502 with the reason in the log. */
function toAnswer(response: Response, { log }: GuestContext): Answer {
  const problem = (reason: string): Answer => {
    log.warn('bad response from plugin', { id: response.id, reason });
    return { status: 502, headers: ['Content-Type', 'text/plain; charset=utf-8'], body: badResponse };
  };
  const status = response.status === 0 ? 200 : response.status;
  if (!(status >= 200 && status <= 599)) return problem(`status ${status} is outside 200-599`);
  const lines = new Map<string, readonly string[]>();
  for (const [name, values] of response.headers) {
    // Before it is made canonical, for the same reason as a method.
    if (name.length > maxAnswerHeaderBytes) return problem(`a header name of ${name.length} bytes`);
    if (!isHeaderName(name))
      return problem(`a header name that HTTP forbids: ${JSON.stringify(name.slice(0, 64))}`);
    const canonical = canonicalHeaderName(name);
    if (!dropped.has(canonical)) lines.set(canonical, values);
  }
  if (response.cookies.length > 0) {
    lines.set('Set-Cookie', [...(lines.get('Set-Cookie') ?? []), ...response.cookies]);
  }
  const headers: string[] = [];
  let size = 0;
  for (const [name, values] of lines) {
    for (const value of values) {
      if (!isHeaderValue(value)) return problem(`a value that HTTP forbids in the header ${name}`);
      headers.push(name, value);
      size += name.length + value.length;
    }
  }
  if (size > maxAnswerHeaderBytes)
    return problem(`headers of ${size} bytes; at most ${maxAnswerHeaderBytes} are sent`);
  if (headers.length > maxAnswerHeaders * 2) {
    return problem(`${headers.length / 2} header lines; at most ${maxAnswerHeaders} are sent`);
  }
  const body = bodiless.has(status) ? none : response.body;
  if (body.length > 0 && !lines.has('Content-Type')) {
    headers.push('Content-Type', contentTypeOf(body));
    if (!lines.has('X-Content-Type-Options')) headers.push('X-Content-Type-Options', 'nosniff');
  }
  return { status, headers, body };
}

const badResponse = new TextEncoder().encode('bad response from plugin\n');
