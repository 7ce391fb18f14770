import assert from 'node:assert/strict';
import { Reader } from '../../runtime/src/abi/msgpack/reader.ts';

/** A request as a guest saw it. All text is binary strings, as are the names and values in the maps. */
export interface Mirrored {
  readonly id: number;
  readonly method: string;
  readonly path: string;
  readonly params: ReadonlyMap<string, string>;
  readonly query: ReadonlyMap<string, string>;
  readonly headers: ReadonlyMap<string, string>;
  readonly body: Buffer;
  readonly host: string;
  readonly remoteAddr: string;
  readonly proto: string;
  readonly rawPath: string;
}

/** Reads what the action `mirror` answered with. */
export function mirrored(body: Uint8Array): Mirrored {
  const reader = new Reader(body);
  const fields = new Map<string, unknown>();
  for (let left = reader.map(); left > 0; left--) fields.set(reader.text(), read(reader));
  const field = <T>(name: string, is: (value: unknown) => value is T): T => {
    const value = fields.get(name);
    assert.ok(is(value), `the field ${name} is not what it should be: ${String(value)}`);
    return value;
  };
  return {
    id: field('id', isNumber),
    method: field('method', isText),
    path: field('path', isText),
    params: field('params', isPairs),
    query: field('query', isPairs),
    headers: field('headers', isPairs),
    body: field('body', isBytes),
    host: field('host', isText),
    remoteAddr: field('remote_addr', isText),
    proto: field('proto', isText),
    rawPath: field('raw_path', isText),
  };
}

function read(reader: Reader): string | number | Buffer | Map<string, string> {
  const kind = reader.kind();
  if (kind === 'text') return reader.text();
  if (kind === 'integer') return Number(reader.integer());
  if (kind === 'binary') return Buffer.from(reader.bytes());
  assert.equal(kind, 'map', `a request has no ${kind} in it`);
  const pairs = new Map<string, string>();
  for (let left = reader.map(); left > 0; left--) pairs.set(reader.text(), reader.text());
  return pairs;
}

function isText(value: unknown): value is string {
  return typeof value === 'string';
}

function isBytes(value: unknown): value is Buffer {
  return value instanceof Buffer;
}

function isNumber(value: unknown): value is number {
  return typeof value === 'number';
}

function isPairs(value: unknown): value is ReadonlyMap<string, string> {
  return value instanceof Map;
}
