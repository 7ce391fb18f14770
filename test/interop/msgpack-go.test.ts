/**
 * Agreement with github.com/vmihailenco/msgpack/v5, which the Go host and the plugins built for it use. The
 * program in msgpack-go/ reads what this codec writes and writes what it must read.
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, suite, test } from 'node:test';

import * as fc from 'fast-check';

import { encodeHttpRequest } from '../../runtime/src/abi/events.ts';
import { anyValue } from '../../runtime/src/abi/msgpack/any-value.suite.ts';
import { Extension } from '../../runtime/src/abi/msgpack/extension.ts';
import { Timestamp } from '../../runtime/src/abi/msgpack/timestamp.ts';
import { type Value, decode, encode } from '../../runtime/src/abi/msgpack/value.ts';
import { Writer } from '../../runtime/src/abi/msgpack/writer.ts';
import { eventPrefix } from '../../runtime/src/abi/step-event.ts';
import { decodeHttpResponse } from '../../runtime/src/abi/structs.ts';

const hex = (bytes: Uint8Array | string): string => Buffer.from(bytes).toString('hex');
const unhex = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, 'hex'));

const hasGo = spawnSync('go', ['version']).status === 0;
const skip = !hasGo && process.env['PULP_REQUIRE_TOOLS'] !== '1' && 'go is not installed';

/** The same words for a value as those that the Go program finds. */
function describe(value: Value): string {
  if (value === null) return 'nil';
  if (typeof value === 'boolean') return String(value);
  if (typeof value === 'bigint') return `i${value}`;
  if (typeof value === 'string') return `s${hex(value)}`;
  if (value instanceof Uint8Array) return `b${hex(value)}`;
  if (value instanceof Timestamp) return `t${value.seconds}.${value.nanoseconds}`;
  if (value instanceof Extension) return `x${value.type}.${hex(value.data)}`;
  if (value instanceof Map) {
    return `{${Array.from(value as ReadonlyMap<Value, Value>, (pair) => pair.map(describe).join(':')).join()}}`;
  }
  if (typeof value === 'number') {
    const bits = new DataView(new ArrayBuffer(8));
    bits.setFloat64(0, value);
    return `f${bits.getBigUint64(0).toString(16).padStart(16, '0')}`;
  }
  return `[${(value as readonly Value[]).map(describe).join()}]`;
}

suite('agreement with the Go codec', { skip }, () => {
  let folder = '';
  // Windows runs nothing without this ending; elsewhere it means nothing.
  const program = 'msgpack-go.exe';

  /** Has the Go program answer each line. */
  function ask(lines: readonly string[]): readonly string[] {
    const run = spawnSync(join(folder, program), { input: `${lines.join('\n')}\n`, maxBuffer: 2 ** 30 });
    assert.equal(run.status, 0, run.stderr.toString());
    const answers = run.stdout.toString().trimEnd().split('\n');
    assert.equal(answers.length, lines.length);
    return answers;
  }

  before(() => {
    assert.ok(hasGo, 'go is not installed, and PULP_REQUIRE_TOOLS=1 requires it');
    folder = mkdtempSync(join(tmpdir(), 'pulp-msgpack-go-'));
    const build = spawnSync('go', ['build', '-buildvcs=false', '-o', join(folder, program), '.'], {
      cwd: join(import.meta.dirname, 'msgpack-go'),
      env: { ...process.env, GOWORK: 'off' },
    });
    assert.equal(build.status, 0, build.stderr?.toString());
  });

  after(() => {
    if (folder !== '') rmSync(folder, { recursive: true, force: true });
  });

  test('both read the same in what the other writes', () => {
    const values = fc.sample(anyValue, 3000);
    const answers = ask(values.map((value) => `value ${hex(encode(value))}`));
    for (const [index, value] of values.entries()) {
      const sent = hex(encode(value));
      const [description, again = ''] = (answers[index] ?? '').split(' ');
      assert.equal(description, describe(value), `Go reads ${sent}`);
      assert.deepEqual(decode(unhex(again)), value, `Go wrote ${again} for ${sent}`);
    }
  });

  test('[config] arrives as the Go types that plugins assert on', () => {
    const config = {
      integer: 1n,
      negative: -1n,
      float: 1,
      text: 'a',
      yes: true,
      list: [1n],
      table: { a: 1n },
      time: new Date(Date.UTC(2026, 0, 2, 3, 4, 5, 678)),
      bytes: Uint8Array.of(1),
    };
    const [types] = ask([`config ${hex(encode(config, { integers: 'int64' }))}`]);
    assert.equal(
      types,
      [
        'bytes=[]uint8',
        'float=float64',
        'integer=int64',
        'list=[]interface {}',
        'negative=int64',
        'table=map[string]interface {}',
        'text=string',
        'time=time.Time(2026-01-02T03:04:05.678Z)',
        'yes=bool',
      ].join(' '),
    );
  });

  test('an http.request event fills the struct of a Go plugin', () => {
    const writer = new Writer();
    encodeHttpRequest(writer, {
      id: 2 ** 44 + 1,
      method: 'POST',
      path: '/echo/\xc3\xa4',
      params: ['msg', '\xc3\xa4'],
      query: [],
      headers: ['Content-Type', 'text/plain', 'X-Long', 'x'.repeat(300)],
      body: Buffer.from('body'),
      host: 'example.com',
      remoteAddr: '127.0.0.1:5000',
      proto: 'HTTP/1.1',
      rawPath: '/echo/%C3%A4',
    });
    const [answer = ''] = ask([
      `request ${hex(Buffer.concat([eventPrefix('http.request'), writer.view()]))}`,
    ]);
    assert.deepEqual(JSON.parse(answer), {
      Kind: 'http.request',
      Request: {
        ID: 2 ** 44 + 1,
        Method: 'POST',
        Path: '/echo/ä',
        Params: { msg: 'ä' },
        Query: {},
        Headers: { 'Content-Type': 'text/plain', 'X-Long': 'x'.repeat(300) },
        Body: Buffer.from('body').toString('base64'),
        RemoteAddr: '127.0.0.1:5000',
      },
    });
  });

  test('the responses of Go plugins are read in every form they are sent in', () => {
    const names = ['map', 'nils', 'array', 'cookies', 'any'];
    const headers = [['Content-Type', ['text/plain']]];
    assert.deepEqual(
      ask(names.map((name) => `response ${name}`)).map((answer) => decodeHttpResponse(unhex(answer))),
      [
        { id: 2 ** 44, status: 201, headers, body: unhex(hex('hello')), cookies: [] },
        { id: 2, status: 0, headers: [], body: unhex(''), cookies: [] },
        { id: 3, status: -5, headers, body: unhex(''), cookies: [] },
        { id: 4, status: 200, headers: [['A', ['b', 'c']]], body: unhex(''), cookies: ['d=e'] },
        { id: 5, status: 100, headers: [], body: unhex(hex('text')), cookies: [] },
      ],
    );
  });
});
