import type { ServerResponse } from 'node:http';
import { reply } from './reply.ts';

const allowed = Symbol('allowed');

interface Noted {
  [allowed]?: readonly string[];
}

/**
 * Notes methods that the resource of a request has, for who may find that it lacks the one asked for: a path can
 * belong to several capabilities, and they do not know each other.
 */
export function noteAllowed(response: ServerResponse & Noted, methods: readonly string[]): void {
  response[allowed] = [...(response[allowed] ?? []), ...methods];
}

/** 405, with these methods and all that were noted in `Allow` (RFC 9110 section 15.5.6). */
export function notAllowed(response: ServerResponse & Noted, methods: readonly string[] = []): void {
  const all = new Set([...methods, ...(response[allowed] ?? [])]);
  reply(response, 405, 'method not allowed', ['Allow', [...all].toSorted().join(', ')]);
}
