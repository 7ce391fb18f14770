import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { Code } from '../../runtime/src/abi/codes.ts';
import { envelopeBytes, writeEnvelope } from '../../runtime/src/abi/envelope.ts';
import { encodeHttpRequest, type HttpRequest } from '../../runtime/src/abi/events.ts';
import { decode } from '../../runtime/src/abi/msgpack/value.ts';
import { Writer } from '../../runtime/src/abi/msgpack/writer.ts';
import { eventPrefix } from '../../runtime/src/abi/step-event.ts';
import {
  decodeHttpFetchRequest,
  decodeHttpResponse,
  decodeRoute,
  decodeSseEmit,
} from '../../runtime/src/abi/structs.ts';
import { callCapability } from '../../runtime/src/capabilities/call/capability.ts';
import { Registry } from '../../runtime/src/capabilities/registry.ts';
import { decodeSseSend } from '../../runtime/src/capabilities/sse/guest.ts';
import { encodeClose, encodeOpen } from '../../runtime/src/capabilities/sse/wire.ts';
import type { Param } from '../../runtime/src/ext.ts';
import { code, codes, readDocument, tableUnder } from './markdown.ts';
import { sourceOf } from './source.ts';

const page = await readDocument('docs/plugin-contract.md');

/** The request of the annotated example. */
const request: HttpRequest = {
  id: 1,
  method: 'GET',
  path: '/echo/hi',
  params: ['msg', 'hi'],
  query: ['x', '1'],
  headers: ['Accept', '*/*'],
  body: new Uint8Array(),
  host: 'localhost:8080',
  remoteAddr: '[::1]:49152',
  proto: 'HTTP/1.1',
  rawPath: '/echo/hi',
};

function encoded(): Uint8Array {
  const writer = new Writer(256);
  encodeHttpRequest(writer, request);
  return writer.take();
}

suite('docs/plugin-contract.md', () => {
  test('the annotated step is byte by byte what the host passes', () => {
    const payload = Buffer.concat([eventPrefix('http.request'), encoded()]);
    const expected = Buffer.concat([Buffer.alloc(envelopeBytes), payload]);
    writeEnvelope(new DataView(expected.buffer, expected.byteOffset), 0, {
      callNumber: 0,
      wallTimeNs: BigInt(Date.parse('2026-01-02T03:04:05.678Z')) * 1_000_000n,
      payloadLength: payload.length,
    });
    const block = page.blocks.find(({ language }) => language === 'text');
    const shown = (block?.text ?? '').split('\n').flatMap((line) => {
      const [, bytes = ''] = /^((?:[\da-f]{2} {1,2})+) /.exec(line) ?? [];
      return bytes.split(' ').filter((byte) => byte !== '');
    });
    assert.equal(shown.join(' '), expected.toString('hex').replaceAll(/(..)(?!$)/g, '$1 '));
  });

  test('the exports are those that modules are checked for', () => {
    const [section = ''] = /^### Exports$[^]*?(?=^### )/m.exec(page.text) ?? [];
    const documented = new Set(codes(section));
    const source = sourceOf('guest/check-exports.ts');
    const checked = new Set(Array.from(source.matchAll(/\['(\w+)', \[/g), ([, name = '']) => name));
    assert.ok(checked.size > 5);
    for (const name of ['memory', ...checked, 'pulp_free'])
      assert.ok(documented.has(name), `${name} is not documented`);
  });

  test('the codes are those of the host', () => {
    const documented = tableUnder(page, '4. Host imports').rows.map(([number]) => Number(number));
    const known = [...new Set<number>(Object.values(Code))].toSorted((a, b) => a - b);
    assert.deepEqual(documented, known);
  });

  test('the imports are those of the registry, with their parameters and capabilities', async () => {
    const registry = new Registry();
    const [, table] = page.tables.filter(({ heading }) => heading === '4. Host imports');
    const documented = (table?.rows ?? []).map(([name, params, capability]) => {
      const [required = '', optional = ''] = code(params).split('[');
      return [
        code(name),
        numbers(required),
        numbers(optional),
        capability === 'none is needed' ? callCapability : code(capability),
      ];
    });
    const known = Array.from(registry.imports, ([name, { capability, signature }]) => [
      name,
      width(signature.params),
      width(signature.optional ?? []),
      capability,
    ]);
    assert.deepEqual(documented.toSorted(byName), known.toSorted(byName));
  });

  test('the structs have the fields that the codec knows, in its order', () => {
    const sent = decode(encoded());
    assert.ok(sent instanceof Map);
    const empty = Uint8Array.of(0x80);
    for (const [heading, fields] of [
      ['HTTPRequest', [...sent.keys()]],
      ['HTTPResponse', Object.keys(decodeHttpResponse(empty))],
      ['HTTPFetchRequest', Object.keys(decodeHttpFetchRequest(empty))],
      ['Route', Object.keys(decodeRoute(empty))],
      ['SSEEmit', Object.keys(decodeSseEmit(empty))],
      ['SSESend', Object.keys(decodeSseSend(empty))],
      ['sse.open', keysOf(encodeOpen({ subId: 1, path: '/', query: [], headers: [] }))],
      ['sse.close', keysOf(encodeClose(1))],
    ] as const) {
      assert.deepEqual(
        tableUnder(page, heading).rows.map(([name]) => code(name)),
        fields,
        heading,
      );
    }
  });

  test('every section of the contract that the source cites is there', () => {
    for (let section = 1; section <= 9; section++) {
      assert.match(page.text, new RegExp(`^## ${section}\\. `, 'm'));
    }
  });
});

/** The keys of an encoded map. */
function keysOf(bytes: Uint8Array): readonly unknown[] {
  const map = decode(bytes);
  assert.ok(map instanceof Map);
  return [...map.keys()];
}

/** How many numbers a list of parameters is. */
function numbers(params: string): number {
  return params.split(/[^\w]+/).filter((name) => name !== '').length;
}

/** How many numbers a signature's parameters are in WebAssembly. */
function width(params: readonly Param[]): number {
  return params.reduce((sum, param) => sum + (param.startsWith('in') || param === 'out' ? 2 : 1), 0);
}

function byName([a]: readonly unknown[], [b]: readonly unknown[]): number {
  return String(a) < String(b) ? -1 : 1;
}
