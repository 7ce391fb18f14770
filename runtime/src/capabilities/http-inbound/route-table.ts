import { decodePercent, hasEncodedSlash } from '../../edge/percent.ts';

/**
 * What a plugin asks to answer. Method and pattern are binary strings: one UTF-16 unit, 0 to 255, for each byte.
 * The pattern MUST begin with `/`.
 */
export interface Route {
  readonly method: string;
  readonly pattern: string;
}

/** A route that a request belongs to. All text is binary strings. */
export interface RouteMatch<Owner> {
  readonly owner: Owner;
  /** As registered. */
  readonly pattern: string;
  /** What `:name` and `*name` took, percent-decoded: name, value, name, value; no name comes twice. */
  readonly params: readonly string[];
  /** The whole path, percent-decoded. */
  readonly path: string;
}

/** The path has routes, though none for the method: answer 405. */
export interface MethodMismatch {
  /** The methods that it has, sorted, `HEAD` among them where `GET` is: the value of `Allow`. */
  readonly allow: readonly string[];
}

/** A registered route, ready to be matched. */
interface Claim<Owner> extends Route {
  readonly owner: Owner;
  /** Place in the order of registration: of the claims that match, the lowest wins. */
  readonly order: number;
  readonly captures: readonly Capture[];
}

/** What a request's segment is called. */
interface Capture {
  readonly name: string;
  /** Which segment, from 0. */
  readonly index: number;
  /** It takes the segments behind it, too. */
  readonly rest: boolean;
}

/**
 * The claims of all patterns that take the same paths, by method, in the order of registration. Patterns that
 * differ only in the names of their parameters, such as `/:a` and `/:b`, share one.
 */
type Endpoint<Owner> = Map<string, Claim<Owner>[]>;

/** A place in the tree of patterns that have parameters; its depth is the number of segments that led to it. */
interface Node<Owner> {
  readonly depth: number;
  literals: Map<string, Node<Owner>> | undefined;
  param: Node<Owner> | undefined;
  /** Patterns that end here. */
  end: Endpoint<Owner> | undefined;
  /** Patterns that take all that is left, which is one segment or more. */
  rest: Endpoint<Owner> | undefined;
}

/**
 * Which plugin answers which requests (contract section 6).
 *
 * A path is split at `/` as it was sent and each segment percent-decoded then, so `%2F` stays inside its
 * segment. Nothing is cleaned: `//x` and `/a/../b` match as sent, and what a plugin does with the `..` that it
 * is given is its own care. A pattern matches whole paths: `:name` takes one segment, empty or not; `*name` as
 * the last segment takes one or more, so `/files/*rest` takes `/files/` and `/files/a/b`, not `/files`; every
 * other segment, `:` and `*` without a name among them, is taken literally and compared with the decoded one.
 * Of the patterns that match, the one registered first wins. `HEAD` falls back to `GET`, and belongs to whoever has that.
 *
 * Patterns without parameters are found by one look into a map, the others by a walk through a tree of
 * segments. The walk meets each node at most once, since there is one way to each: however a path is made, it
 * takes time in proportion to the path's length and at most the number of segments registered.
 */
export class RouteTable<Owner> {
  /** By method and pattern, in the order of registration. */
  readonly #claims = new Map<string, Claim<Owner>>();
  readonly #statics = new Map<string, Endpoint<Owner>>();
  #root: Node<Owner> = node(0);
  /** The order of the first claim in the tree: a static route that is older needs no walk. */
  #firstInTree = Infinity;
  /** Segments of the longest pattern in the tree: of a path, no more need to be looked at. */
  #deepest = 0;
  #registered = 0;

  /**
   * Registers a route. `same`: the owner has it already, and it keeps its place in the order. `taken`: it is another
   * {@link owner}'s, and nothing was changed.
   */
  add({ method, pattern }: Route, owner: Owner): 'added' | 'same' | 'taken' {
    const key = keyOf({ method, pattern });
    if ((this.owner({ method, pattern }) ?? owner) !== owner) return 'taken';
    if (this.#claims.has(key)) return 'same';
    const claim = { method, pattern, owner, order: this.#registered++, captures: capturesOf(pattern) };
    this.#claims.set(key, claim);
    this.#insert(claim);
    return 'added';
  }

  /** Whose route exactly this method and pattern are. `HEAD` goes with `GET` until somebody has it. */
  owner({ method, pattern }: Route): Owner | undefined {
    const claim = this.#claims.get(`${method} ${pattern}`);
    if (claim !== undefined) return claim.owner;
    return method === 'HEAD' ? this.#claims.get(`GET ${pattern}`)?.owner : undefined;
  }

  /**
   * Gives an owner these routes and no others. Routes that another owner has are left to that. One that it had keeps its
   * place in the order of all, and a new one comes behind all others: nobody gets ahead of another by starting anew.
   */
  replace(owner: Owner, routes: readonly Route[]): void {
    const wanted = new Map(this.#free(owner, routes).map((route) => [keyOf(route), route]));
    const kept = [...this.#claims.values()].filter(
      (claim) => claim.owner !== owner || wanted.has(keyOf(claim)),
    );
    const fresh = [...wanted.values()].filter((route) => !this.#claims.has(keyOf(route)));
    if (kept.length === this.#claims.size && fresh.length === 0) return;
    this.#reorder([...kept, ...fresh.map(({ method, pattern }) => ({ method, pattern, owner }))]);
  }

  /**
   * As {@link replace}, for one that an operator has put in the place of the owner that was here: its routes take the
   * places of those that it had, in this order, and what are more come right behind the last of them.
   */
  succeed(owner: Owner, routes: readonly Route[]): void {
    const all = [...this.#claims.values()];
    const wanted = this.#free(owner, routes).map(({ method, pattern }) => ({ method, pattern, owner }));
    const own = all.filter((claim) => claim.owner === owner);
    if (own.length === wanted.length && own.every((claim, at) => keyOf(claim) === keyOf(wanted[at] ?? claim)))
      return;
    const last = all.findLastIndex((claim) => claim.owner === owner);
    let next = 0;
    const placed = all.flatMap((claim, at) => {
      if (claim.owner !== owner) return [claim];
      const upTo = at === last ? wanted.length : next + 1;
      const here = wanted.slice(next, upTo);
      next = upTo;
      return here;
    });
    this.#reorder(last < 0 ? [...all, ...wanted] : placed);
  }

  /**
   * Finds the route of a request. `path` is as sent: percent-encoded, without query.
   *
   * `bad-encoding`, the answer 400, whatever is registered: a `%` in the path without two hexadecimal digits
   * behind it. `undefined`, the answer 404: no pattern matches.
   *
   * Hot: one for each request.
   */
  match(method: string, path: string): RouteMatch<Owner> | MethodMismatch | 'bad-encoding' | undefined {
    const decoded = decodePercent(path);
    if (decoded === undefined) return 'bad-encoding';
    if (!path.startsWith('/')) return undefined;
    // In a decoded path a slash that was encoded looks like one between segments, which no pattern can have.
    const fixed = hasEncodedSlash(path) ? undefined : this.#statics.get(decoded);
    const sure = fixed?.get(method)?.[0];
    if (sure !== undefined && sure.order < this.#firstInTree) return found(sure, path, decoded);
    const endpoints = this.#walk(path);
    if (fixed !== undefined) endpoints.push(fixed);
    if (endpoints.length === 0) return undefined;
    const claim = method === 'HEAD' ? ofHead(endpoints) : earliest(endpoints, method);
    return claim === undefined ? { allow: methodsOf(endpoints) } : found(claim, path, decoded);
  }

  /** The methods that any route has, sorted. */
  get methods(): readonly string[] {
    return [...new Set(Array.from(this.#claims.values(), ({ method }) => method))].toSorted();
  }

  /** All routes in the order of registration, which is the order in which they win. */
  routes(): readonly (Route & { readonly owner: Owner })[] {
    return Array.from(this.#claims.values(), ({ method, pattern, owner }) => ({ method, pattern, owner }));
  }

  #free(owner: Owner, routes: readonly Route[]): readonly Route[] {
    return routes.filter((route) => (this.owner(route) ?? owner) === owner);
  }

  /** Has these routes and no others, in this order. */
  #reorder(routes: readonly (Route & { readonly owner: Owner })[]): void {
    this.#claims.clear();
    this.#statics.clear();
    this.#root = node(0);
    this.#firstInTree = Infinity;
    this.#deepest = 0;
    this.#registered = 0;
    for (const route of routes) this.add(route, route.owner);
  }

  #insert(claim: Claim<Owner>): void {
    const segments = claim.pattern.slice(1).split('/');
    if (claim.captures.length === 0) {
      const endpoint = this.#statics.get(claim.pattern) ?? new Map<string, Claim<Owner>[]>();
      this.#statics.set(claim.pattern, endpoint);
      return enlist(endpoint, claim);
    }
    this.#firstInTree = Math.min(this.#firstInTree, claim.order);
    this.#deepest = Math.max(this.#deepest, segments.length);
    let at = this.#root;
    for (const [index, segment] of segments.entries()) {
      const kind = kindOf(segment, index === segments.length - 1);
      if (kind === 'rest') return enlist((at.rest ??= new Map()), claim);
      at = kind === 'param' ? (at.param ??= node(at.depth + 1)) : literal(at, segment);
    }
    enlist((at.end ??= new Map()), claim);
  }

  /** The endpoints of all patterns in the tree that take a path. Without recursion: a path can be deep. */
  #walk(path: string): Endpoint<Owner>[] {
    const endpoints: Endpoint<Owner>[] = [];
    if (this.#deepest === 0) return endpoints;
    const segments = firstSegments(path, this.#deepest + 1);
    const later: Node<Owner>[] = [];
    for (let at: Node<Owner> | undefined = this.#root; at !== undefined;) {
      const segment: string | undefined = segments[at.depth];
      const endpoint = segment === undefined ? at.end : at.rest;
      if (endpoint !== undefined) endpoints.push(endpoint);
      let next: Node<Owner> | undefined;
      if (segment !== undefined) {
        next = at.literals?.get(segment);
        if (next === undefined) next = at.param;
        else if (at.param !== undefined) later.push(at.param);
      }
      at = next ?? later.pop();
    }
    return endpoints;
  }
}

function node<Owner>(depth: number): Node<Owner> {
  return { depth, literals: undefined, param: undefined, end: undefined, rest: undefined };
}

function literal<Owner>(at: Node<Owner>, segment: string): Node<Owner> {
  at.literals ??= new Map();
  const known = at.literals.get(segment);
  if (known !== undefined) return known;
  const fresh = node<Owner>(at.depth + 1);
  at.literals.set(segment, fresh);
  return fresh;
}

function enlist<Owner>(endpoint: Endpoint<Owner>, claim: Claim<Owner>): void {
  const claims = endpoint.get(claim.method);
  if (claims === undefined) endpoint.set(claim.method, [claim]);
  else claims.push(claim);
}

function kindOf(segment: string, isLast: boolean): 'literal' | 'param' | 'rest' {
  if (segment.length < 2) return 'literal';
  if (segment.startsWith(':')) return 'param';
  return isLast && segment.startsWith('*') ? 'rest' : 'literal';
}

/** The parameters of a pattern, in the order of their segments; of a name that comes twice the last counts. */
function capturesOf(pattern: string): readonly Capture[] {
  const segments = pattern.slice(1).split('/');
  const captures = new Map<string, Capture>();
  for (const [index, segment] of segments.entries()) {
    const kind = kindOf(segment, index === segments.length - 1);
    if (kind === 'literal') continue;
    const name = segment.slice(1);
    captures.delete(name);
    captures.set(name, { name, index, rest: kind === 'rest' });
  }
  return [...captures.values()];
}

/** Of the claims for a method the one registered first. */
function earliest<Owner>(endpoints: readonly Endpoint<Owner>[], method: string): Claim<Owner> | undefined {
  let best: Claim<Owner> | undefined;
  for (const endpoint of endpoints) {
    const claim = endpoint.get(method)?.[0];
    if (claim !== undefined && (best === undefined || claim.order < best.order)) best = claim;
  }
  return best;
}

/** `HEAD` falls back to `GET`, and does so before another owner's `HEAD` that was registered later. */
function ofHead<Owner>(endpoints: readonly Endpoint<Owner>[]): Claim<Owner> | undefined {
  const head = earliest(endpoints, 'HEAD');
  const get = earliest(endpoints, 'GET');
  if (head === undefined || get === undefined) return head ?? get;
  return get.owner !== head.owner && get.order < head.order ? get : head;
}

function methodsOf<Owner>(endpoints: readonly Endpoint<Owner>[]): readonly string[] {
  const methods = new Set<string>();
  for (const endpoint of endpoints) for (const method of endpoint.keys()) methods.add(method);
  if (methods.has('GET')) methods.add('HEAD');
  return [...methods].toSorted();
}

/** Whether a pattern takes one path only. It MUST begin with `/`. */
export function isLiteral(pattern: string): boolean {
  return capturesOf(pattern).length === 0;
}

const noParams: readonly string[] = [];

function found<Owner>(
  { owner, pattern, captures }: Claim<Owner>,
  path: string,
  decoded: string,
): RouteMatch<Owner> {
  return {
    owner,
    pattern,
    params: captures.length === 0 ? noParams : paramsOf(captures, path),
    path: decoded,
  };
}

/** Reads the parameters off the path in one pass, since captures stand in the order of their segments. */
function paramsOf(captures: readonly Capture[], path: string): readonly string[] {
  const params: string[] = [];
  let index = 0;
  let start = 1;
  for (const capture of captures) {
    for (; index < capture.index; index++) start = path.indexOf('/', start) + 1;
    const slash = capture.rest ? -1 : path.indexOf('/', start);
    params.push(capture.name, decodedPart(path, start, slash < 0 ? path.length : slash));
  }
  return params;
}

/** Up to `count` segments of a path that begins with `/`, decoded. */
function firstSegments(path: string, count: number): string[] {
  const segments: string[] = [];
  for (let start = 1; segments.length < count;) {
    const slash = path.indexOf('/', start);
    segments.push(decodedPart(path, start, slash < 0 ? path.length : slash));
    if (slash < 0) break;
    start = slash + 1;
  }
  return segments;
}

function keyOf({ method, pattern }: Route): string {
  return `${method} ${pattern}`;
}

/** A part of a path whose encoding has been found good. */
function decodedPart(path: string, start: number, end: number): string {
  const part = path.slice(start, end);
  return decodePercent(part) ?? part;
}
