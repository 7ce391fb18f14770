import { claimed } from './claim';
import { onRawEvent } from './event';
import { httpRegister } from './host';
import { onInit } from './lifecycle';
import { log } from './log';
import { Pattern } from './pattern';
import { Request } from './request';
import { Response } from './response';
import { Writer } from './writer';

/** Answers a request. Null: it has answered by `request.respond`, or leaves it to the host, which says 500. */
export type RequestHandler = (request: Request) => Response | null;

class Route {
  readonly pattern: Pattern;

  constructor(
    public readonly method: string,
    public readonly path: string,
    public readonly handler: RequestHandler,
  ) {
    this.pattern = new Pattern(path);
  }
}

const routes: Route[] = [];

/** Whether `pulp_init` has registered what was there by then. */
let registered = false;

/**
 * Serves a method and a path pattern, at the top level or later. `:name` takes one segment, `*name` at the end
 * the rest: `request.params.get("name")`. The route that was there first wins. GET routes serve HEAD, too.
 *
 * The capability `transport.http.inbound` must be declared. The start fails, with the reason, when the host
 * refuses a route.
 */
export function route(method: string, path: string, handler: RequestHandler): void {
  if (routes.length == 0) {
    onRawEvent("http.request", serve);
    onInit(registerAll);
  }
  const added = new Route(method.trim().toUpperCase(), path, handler);
  routes.push(added);
  if (registered) register(added);
}

/** `route("GET", …)` */
export function get(path: string, handler: RequestHandler): void {
  route("GET", path, handler);
}

/** `route("POST", …)` */
export function post(path: string, handler: RequestHandler): void {
  route("POST", path, handler);
}

/** `route("PUT", …)` */
export function put(path: string, handler: RequestHandler): void {
  route("PUT", path, handler);
}

/** `route("DELETE", …)`: `delete` is a word of the language. */
export function del(path: string, handler: RequestHandler): void {
  route("DELETE", path, handler);
}

function registerAll(): void {
  registered = true;
  for (let i = 0; i < routes.length; i++) register(routes[i]);
}

function register(added: Route): void {
  const writer = new Writer();
  writer.map(2);
  writer.str("method");
  writer.str(added.method);
  writer.str("path");
  writer.str(added.path);
  const code = httpRegister(writer.start, writer.size);
  writer.release();
  claimed("http_register: " + added.method + " " + added.path, code);
}

function serve(start: usize, end: usize): void {
  const request = new Request(start, end);
  if (!request.ok) {
    log.error("a request could not be decoded");
    return;
  }
  let found = find(request, "");
  if (found === null && request.hasMethod("HEAD")) found = find(request, "GET");
  if (found === null) {
    log.warn("no route of this plugin takes " + request.method + " " + request.rawPath);
    return;
  }
  const response = found.handler(request);
  if (response !== null) response.send(request.id);
}

/** The first route for a request; `method` stands in for the request's own. */
function find(request: Request, method: string): Route | null {
  for (let i = 0; i < routes.length; i++) {
    const candidate = unchecked(routes[i]);
    if (method.length != 0 ? candidate.method != method : !request.hasMethod(candidate.method)) continue;
    if (request.matches(candidate.pattern)) return candidate;
  }
  return null;
}
