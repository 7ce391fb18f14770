import assert from 'node:assert/strict';
import { before, suite, test } from 'node:test';
import { encode, type Encodable } from '../../../runtime/src/abi/msgpack/value.ts';
import { decodeSseEmit } from '../../../runtime/src/abi/structs.ts';
import type { HostFunction } from './fake-host.ts';
import { compile, Guest, hostImports } from './harness.ts';

const plain = `
import { config, events, log, onInit, onTick } from "pulp-sdk-assemblyscript";

const feed = events("/events");
events("/grüße");
onInit(() => {
  if (config.bool("late")) events("/late");
  log.info((events("/events") == feed).toString());
});
onTick(() => {
  log.info(feed.emit("data").toString());
  log.info(feed.emit("two\\nlines ü", "named", "7").toString());
  log.info(feed.emit("", "", "8").toString());
});
`;

const withSubscribers = `
import { Subscriber, events, log, onTick } from "pulp-sdk-assemblyscript";

const feed = events("/events");
feed
  .onOpen((subscriber, request) => {
    log.info("open " + subscriber.id.toString() + " " + subscriber.path + " " + request.path + " "
      + request.query.get("q", "?") + " " + request.headers.get("last-event-id", "?"));
    log.info(subscriber.send("welcome", "hello", "1").toString());
  })
  .onClose((subscriber) => {
    log.info("close " + subscriber.id.toString() + " left " + feed.subscribers.length.toString());
  });
onTick(() => {
  for (let i = 0; i < feed.subscribers.length; i++) feed.subscribers[i].send("tick");
});
`;

function open(guest: Guest, id: bigint, fields: { readonly [key: string]: Encodable } = {}): void {
  guest.event('sse.open', { sub_id: id, path: '/events', query: {}, headers: {}, ...fields });
}

suite('event stream', () => {
  let module: WebAssembly.Module;
  before(async () => {
    module = await compile(plain);
  });

  test('imports only what is called: no sse_send without subscribers', () => {
    assert.deepEqual(hostImports(module), ['sse_emit', 'sse_register']);
  });

  test('paths are registered by init, each once, with their bytes', () => {
    const guest = new Guest(module);
    assert.equal(guest.init({ late: true }), 0);
    assert.deepEqual(guest.host.texts('sse_register'), ['/events', '/grüße', '/late']);
    assert.equal(guest.stdout, 'true\n');
  });

  test('a refused path fails init and names path and reason', () => {
    const guest = new Guest(module, { host: { sse_register: () => 4 } });
    assert.notEqual(guest.init(), 0);
    assert.equal(guest.initError, 'sse_register: /events: the host refused it');
  });

  test('an event is what the host decodes, and leaves out what it does not have', () => {
    const guest = new Guest(module);
    guest.init();
    guest.tick();
    assert.deepEqual(guest.host.decoded('sse_emit'), [
      { data: 'data', path: '/events' },
      { id: '7', event: 'named', data: 'two\nlines ü', path: '/events' },
      { id: '8', data: '', path: '/events' },
    ]);
    const [, second] = guest.host.of('sse_emit');
    const emitted = decodeSseEmit(second?.inputs[0] ?? new Uint8Array());
    assert.deepEqual(
      [emitted.path, emitted.id, emitted.event, Buffer.from(emitted.data, 'latin1').toString()],
      ['/events', '7', 'named', 'two\nlines ü'],
    );
  });

  test('an event that the host refuses is false', () => {
    const guest = new Guest(module, { host: { sse_emit: () => 4 } });
    guest.init();
    guest.stdout = '';
    guest.tick();
    assert.equal(guest.stdout, 'false\nfalse\nfalse\n');
  });
});

suite('subscribers of an event stream', () => {
  let module: WebAssembly.Module;
  before(async () => {
    module = await compile(withSubscribers);
  });

  function start(host: Readonly<Record<string, HostFunction>> = {}): Guest {
    const guest = new Guest(module, { host });
    assert.equal(guest.init(), 0);
    return guest;
  }

  test('are told of with what they asked for, and can be sent to alone', () => {
    const guest = start();
    open(guest, 300n, { query: { q: 'x' }, headers: { 'Last-Event-Id': '41' } });
    assert.equal(guest.stdout, 'open 300 /events /events x 41\ntrue\n');
    assert.deepEqual(guest.host.decoded('sse_send'), [
      { id: '1', event: 'hello', data: 'welcome', sub_id: 300 },
    ]);
    assert.deepEqual(guest.host.of('sse_emit'), []);
  });

  test('are there until they leave, which is told once', () => {
    const guest = start();
    for (const id of [1n, 2n, 3n]) open(guest, id);
    for (let i = 0; i < 2; i++) guest.event('sse.close', { sub_id: 2n });
    assert.match(guest.stdout, /true\nclose 2 left 2\n$/);
    guest.host.calls.length = 0;
    guest.tick();
    assert.deepEqual(guest.host.decoded('sse_send'), [
      { data: 'tick', sub_id: 1 },
      { data: 'tick', sub_id: 3 },
    ]);
  });

  test('one that the host does not know any more is false', () => {
    const guest = start({ sse_send: () => 4 });
    open(guest, 1n);
    assert.match(guest.stdout, /false\n$/);
  });

  test('one on a path that is none of the plugin is logged and not kept', () => {
    const guest = start();
    open(guest, 1n, { path: '/other' });
    assert.equal(guest.stderr, 'warning: no stream of this plugin is /other\n');
    guest.tick();
    assert.deepEqual(guest.host.of('sse_send'), []);
  });

  test('events that are cut off at any byte, or have no id, do nothing', () => {
    const guest = start();
    for (const [kind, payload] of [
      ['sse.open', { sub_id: 2n, path: '/events', query: { q: 'x' }, headers: { A: 'b' } }],
      ['sse.close', { sub_id: 1n }],
    ] as const) {
      const whole = encode({ kind, payload });
      for (let length = 1; length < whole.length; length++) {
        guest.stderr = '';
        guest.step(whole.subarray(0, length));
        assert.match(guest.stderr, /could not be decoded/, `${kind}, ${length} bytes`);
      }
      guest.event(kind, { path: '/events' });
      guest.event(kind, { sub_id: 'x', path: '/events' });
      guest.event(kind, null);
    }
    assert.equal(guest.stdout, '');
  });
});
