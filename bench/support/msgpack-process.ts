/** The measuring process of `bench/msgpack.ts`: all codecs in turn, in one process. */
import assert from 'node:assert/strict';
import { Buffer } from 'node:buffer';
import { encodeHttpRequest, type HttpRequest } from '../../runtime/src/abi/events.ts';
import { Writer } from '../../runtime/src/abi/msgpack/writer.ts';
import { decodeHttpResponse } from '../../runtime/src/abi/structs.ts';
import { loadPackage } from './npm-package.ts';
import { moduleOptions } from './owned-process.ts';
import { timePerOperation } from './timing.ts';

export interface CodecOptions {
  readonly rounds: number;
  /** Of one run, in milliseconds. */
  readonly runMs: number;
  /** The folder that the other codecs were installed into, if they were. */
  readonly packages?: string;
}

/** Nanoseconds an operation, one figure a round. */
export interface CodecTimes {
  readonly codec: 'pulp' | 'msgpackr' | 'msgpack';
  readonly encode: number[];
  readonly decode: number[];
}

/** A codec, with the values it is measured on already bound. */
interface Codec {
  readonly name: CodecTimes['codec'];
  encode(): Uint8Array;
  decode(bytes: Uint8Array): unknown;
}

/** The part of msgpackr that is used. */
interface Msgpackr {
  readonly Packr: new (options: {
    /** Off: maps as everyone writes them, not its own extension. */
    readonly useRecords: false;
    readonly int64AsType: 'number';
  }) => { pack(value: unknown): Uint8Array; unpack(bytes: Uint8Array): unknown };
}

/** The part of `@msgpack/msgpack` that is used. */
interface Msgpack {
  encode(value: unknown): Uint8Array;
  decode(bytes: Uint8Array): unknown;
}

/** What a browser sends, with a short body. */
const headers = {
  Accept: 'text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8',
  'Accept-Encoding': 'gzip, deflate, br',
  'Accept-Language': 'en-GB,en;q=0.5',
  Connection: 'keep-alive',
  'Content-Length': '100',
  'Content-Type': 'application/json',
  'User-Agent': 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0',
};
const body = Buffer.alloc(100, 'x');

const request: HttpRequest = {
  id: 4711,
  method: 'POST',
  path: '/echo/hello',
  params: ['msg', 'hello'],
  query: ['page', '2'],
  headers: Object.entries(headers).flat(),
  body,
  host: '127.0.0.1:8080',
  remoteAddr: '127.0.0.1:40000',
  proto: 'HTTP/1.1',
  rawPath: '/echo/hello',
};

/** The same request as other codecs take it: its fields are those on the wire, in the same order. */
const plainRequest = {
  id: request.id,
  method: request.method,
  path: request.path,
  params: { msg: 'hello' },
  query: { page: '2' },
  headers,
  body,
  host: request.host,
  remote_addr: request.remoteAddr,
  proto: request.proto,
  raw_path: request.rawPath,
};

const plainResponse = {
  id: 4711,
  status: 200,
  headers: { 'Content-Type': 'application/json', 'Cache-Control': 'no-store', 'X-Request-Id': '01JX5' },
  body: Buffer.alloc(320, 'y'),
};

const writer = new Writer(4096);

const pulp: Codec = {
  name: 'pulp',
  encode() {
    writer.reset();
    encodeHttpRequest(writer, request);
    return writer.take();
  },
  decode: decodeHttpResponse,
};

function others(folder: string): { codecs: Codec[]; response: Uint8Array } {
  const { Packr } = loadPackage(folder, 'msgpackr') as Msgpackr;
  const packr = new Packr({ useRecords: false, int64AsType: 'number' });
  const msgpack = loadPackage(folder, '@msgpack/msgpack') as Msgpack;
  // Both sides of the comparison work on one message.
  const own = Uint8Array.from(pulp.encode());
  assert.deepEqual(msgpack.decode(own), msgpack.decode(msgpack.encode(plainRequest)));
  const codecs: Codec[] = [
    { name: 'msgpackr', encode: () => packr.pack(plainRequest), decode: (bytes) => packr.unpack(bytes) },
    { name: 'msgpack', encode: () => msgpack.encode(plainRequest), decode: (bytes) => msgpack.decode(bytes) },
  ];
  return { codecs, response: msgpack.encode(plainResponse) };
}

/** The response by our own writer, for a run without the other codecs. */
function responseByHand(): Uint8Array {
  const own = new Writer();
  own.map(4);
  own.utf8('id');
  own.integer(plainResponse.id);
  own.utf8('status');
  own.integer(plainResponse.status);
  own.utf8('headers');
  const lines = Object.entries(plainResponse.headers);
  own.map(lines.length);
  for (const text of lines.flat()) own.utf8(text);
  own.utf8('body');
  own.binary(plainResponse.body);
  return own.take();
}

function measure({ rounds, runMs, packages }: CodecOptions): CodecTimes[] {
  const { codecs, response } =
    packages === undefined ? { codecs: [], response: responseByHand() } : others(packages);
  assert.equal(decodeHttpResponse(response).id, plainResponse.id);
  const all = [pulp, ...codecs].map((codec) => ({
    codec,
    times: { codec: codec.name, encode: [], decode: [] } as CodecTimes,
  }));
  // The first round compiles the code, and does not count.
  for (let round = 0; round <= rounds; round++) {
    for (const { codec, times } of all) {
      const encode = timePerOperation(() => codec.encode(), runMs);
      const decode = timePerOperation(() => codec.decode(response), runMs);
      if (round === 0) continue;
      times.encode.push(encode);
      times.decode.push(decode);
    }
  }
  return all.map(({ times }) => times);
}

process.stdout.write(JSON.stringify(measure(moduleOptions() as CodecOptions)));
