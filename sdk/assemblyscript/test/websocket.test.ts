import assert from 'node:assert/strict';
import { before, suite, test } from 'node:test';
import { encode, type Encodable } from '../../../runtime/src/abi/msgpack/value.ts';
import { decodeWsClose, decodeWsSend } from '../../../runtime/src/abi/structs.ts';
import type { HostFunction } from './fake-host.ts';
import { compile, Guest, hostImports } from './harness.ts';

const source = `
import { Message, Socket, config, log, onInit, onTick, websocket } from "pulp-sdk-assemblyscript";

let kept: Message | null = null;
let last: Socket | null = null;

const room = websocket("/ws");
room
  .onOpen((socket, request) => {
    log.info("open " + socket.id.toString() + " " + socket.path + " " + request.path + " " + request.query.get("name", "?")
      + " " + request.headers.get("x-test", "?"));
  })
  .onMessage((socket, message) => {
    kept = message;
    last = socket;
    const text = message.text();
    if (!message.isText) log.info(socket.sendBytes(message.bytes()).toString());
    else if (text == "close") log.info(socket.close(4000, "grüße").toString());
    else if (text == "end") log.info(socket.close().toString());
    else if (text == "all") log.info(room.broadcast("to all").toString());
    else log.info(socket.send(text).toString());
  })
  .onClose((socket, code, reason) => {
    log.info("close " + socket.id.toString() + " " + code.toString() + " " + reason + " left " + room.size.toString());
  });

websocket("/grüße");
onInit(() => {
  if (config.bool("late")) websocket("/late");
  log.info((websocket("/ws") == room).toString());
});
onTick(() => {
  const message = kept;
  const socket = last;
  if (message !== null && socket !== null) {
    log.info("[" + message.text() + "] " + message.bytes().length.toString() + " " + (room.find(socket.id) == socket).toString()
      + " " + room.sockets.length.toString());
  }
});
`;

function open(guest: Guest, id: bigint, fields: { readonly [key: string]: Encodable } = {}): void {
  guest.event('ws.open', { conn_id: id, path: '/ws', query: {}, headers: {}, ...fields });
}

function say(guest: Guest, id: bigint, payload: string | Uint8Array): string {
  guest.stdout = '';
  const bytes = typeof payload === 'string' ? Buffer.from(payload) : payload;
  guest.event('ws.frame', {
    conn_id: id,
    opcode: typeof payload === 'string' ? 1n : 2n,
    payload: Uint8Array.from(bytes),
  });
  return guest.stdout.trimEnd();
}

suite('websocket', () => {
  let plugin: WebAssembly.Module;
  before(async () => {
    plugin = await compile(source);
  });

  function start(host: Readonly<Record<string, HostFunction>> = {}): Guest {
    const guest = new Guest(plugin, { host });
    assert.equal(guest.init(), 0);
    guest.stdout = '';
    return guest;
  }

  test('imports nothing but the functions for WebSockets', () => {
    assert.deepEqual(hostImports(plugin), ['ws_close', 'ws_register', 'ws_send']);
  });

  test('paths are registered by init, each once, with their bytes', () => {
    const guest = new Guest(plugin);
    assert.deepEqual(guest.host.calls, []);
    assert.equal(guest.init({ late: true }), 0);
    assert.deepEqual(guest.host.texts('ws_register'), ['/ws', '/grüße', '/late']);
    assert.equal(guest.stdout, 'true\n');
  });

  test('a refused path fails init and names path and reason', () => {
    for (const [code, reason] of [
      [4, 'the host refused it'],
      [99, 'the capability is not declared in the manifest'],
    ] as const) {
      const guest = new Guest(plugin, { host: { ws_register: () => code } });
      assert.notEqual(guest.init(), 0);
      assert.equal(guest.initError, `ws_register: /ws: ${reason}`);
    }
  });

  test('onOpen gets the connection and what the client asked for', () => {
    const guest = start();
    open(guest, 7n, { query: { name: 'Ada' }, headers: { 'X-Test': 'yes' } });
    assert.equal(guest.stdout, 'open 7 /ws /ws Ada yes\n');
  });

  test('a connection on a path without handlers is kept quietly, one on an unknown path is logged', () => {
    const guest = start();
    open(guest, 1n, { path: '/grüße' });
    guest.event('ws.frame', { conn_id: 1n, opcode: 1n, payload: Buffer.from('x') });
    guest.event('ws.close', { conn_id: 1n, code: 1000n, reason: '' });
    assert.equal(guest.stdout + guest.stderr, '');
    open(guest, 2n, { path: '/other' });
    assert.equal(guest.stderr, 'warning: no WebSocket path of this plugin is /other\n');
  });

  test('a text is sent as the frame that the host decodes', () => {
    const guest = start();
    open(guest, 2n ** 44n + 1n);
    assert.equal(say(guest, 2n ** 44n + 1n, 'grüße \u{1f34a}'), 'true');
    const [sent] = guest.host.of('ws_send');
    const frame = decodeWsSend(sent?.inputs[0] ?? new Uint8Array());
    assert.deepEqual([frame.conn_id, frame.opcode], [2 ** 44 + 1, 1]);
    assert.equal(Buffer.from(frame.payload).toString(), 'grüße \u{1f34a}');
  });

  test('bytes are sent as they are, of any length', () => {
    const guest = start();
    open(guest, 1n);
    for (const length of [0, 1, 255, 256, 65_536, 200_000]) {
      const payload = Uint8Array.from({ length }, (_, i) => i);
      say(guest, 1n, payload);
      const frame = decodeWsSend(guest.host.of('ws_send').at(-1)?.inputs[0] ?? new Uint8Array());
      assert.equal(frame.opcode, 2);
      assert.ok(Buffer.from(payload).equals(frame.payload), `${length} bytes`);
    }
  });

  test('close gives code and words, 1000 and none unless told', () => {
    const guest = start();
    open(guest, 1n);
    assert.equal(say(guest, 1n, 'close'), 'true');
    assert.equal(say(guest, 1n, 'end'), 'true');
    assert.deepEqual(guest.host.decoded('ws_close'), [
      { conn_id: 1, code: 4000, reason: 'grüße' },
      { conn_id: 1, code: 1000, reason: '' },
    ]);
    const [sent] = guest.host.of('ws_close');
    assert.equal(decodeWsClose(sent?.inputs[0] ?? new Uint8Array()).code, 4000);
  });

  test('what the host refuses is false, and the plugin goes on', () => {
    const guest = start({ ws_send: () => 4, ws_close: () => 4 });
    open(guest, 1n);
    for (const payload of ['x', 'close', Uint8Array.of(1)]) assert.equal(say(guest, 1n, payload), 'false');
    assert.equal(say(guest, 1n, 'all'), '0');
    assert.equal(guest.stderr, '');
  });

  test('broadcast reaches every open connection of the path, and counts those that took it', () => {
    const guest = start({
      ws_send: (bytes) => (decodeWsSend(bytes).conn_id === 300 ? 4 : 0),
    });
    for (const id of [1n, 127n, 128n, 300n, 2n ** 40n]) open(guest, id);
    open(guest, 5n, { path: '/grüße' });
    guest.event('ws.close', { conn_id: 127n, code: 1001n, reason: 'gone' });
    assert.equal(say(guest, 1n, 'all'), '3');
    assert.deepEqual(
      guest.host.decoded('ws_send'),
      [1, 128, 300, 2 ** 40].map((conn_id) => ({ opcode: 1, payload: 'to all', conn_id })),
    );
  });

  test('onClose comes once, with the code and the words of the peer', () => {
    const guest = start();
    open(guest, 1n);
    open(guest, 2n);
    guest.stdout = '';
    for (let i = 0; i < 2; i++) guest.event('ws.close', { conn_id: 1n, code: 1006n, reason: '' });
    guest.event('ws.close', { conn_id: 2n, code: 4001n, reason: 'bye ü' });
    assert.equal(guest.stdout, 'close 1 1006  left 1\nclose 2 4001 bye ü left 0\n');
  });

  test('a frame for a connection that is not open is passed over', () => {
    const guest = start();
    assert.equal(say(guest, 9n, 'x'), '');
    assert.equal(guest.stderr, '');
  });

  test('a message that is kept is empty once its step is over, a connection stays itself', () => {
    const guest = start();
    open(guest, 1n);
    say(guest, 1n, 'x');
    guest.stdout = '';
    guest.tick();
    assert.equal(guest.stdout, '[] 0 true 1\n');
  });

  test('events that are cut off at any byte do nothing', () => {
    const guest = start();
    open(guest, 1n);
    const events: readonly (readonly [string, Encodable])[] = [
      ['ws.open', { conn_id: 2n, path: '/ws', query: { name: 'x' }, headers: { A: 'b' } }],
      ['ws.frame', { conn_id: 1n, opcode: 1n, payload: Buffer.from('text') }],
      ['ws.close', { conn_id: 1n, code: 1000n, reason: 'words' }],
    ];
    guest.stdout = '';
    for (const [kind, payload] of events) {
      const whole = encode({ kind, payload });
      for (let length = 1; length < whole.length; length++) {
        guest.stderr = '';
        guest.step(whole.subarray(0, length));
        assert.match(guest.stderr, /could not be decoded/, `${kind}, ${length} bytes`);
      }
    }
    assert.equal(guest.stdout, '');
    assert.equal(say(guest, 1n, 'well'), 'true');
  });

  test('an event without an id, or with anything else for one, does nothing', () => {
    const guest = start();
    for (const kind of ['ws.open', 'ws.frame', 'ws.close']) {
      for (const conn_id of ['1', null, 1.5]) guest.event(kind, { conn_id, path: '/ws', payload: 'x' });
      guest.event(kind, { path: '/ws', payload: 'x' });
      guest.event(kind, null);
      guest.event(kind, [1n]);
    }
    assert.equal(guest.stdout, '');
    assert.deepEqual(guest.host.of('ws_send'), []);
  });

  test('memory does not grow while connections come, speak and go', () => {
    const guest = start();
    const turn = (): void => {
      open(guest, 1n);
      say(guest, 1n, 'x'.repeat(100));
      say(guest, 1n, 'all');
      guest.event('ws.close', { conn_id: 1n, code: 1000n, reason: '' });
      guest.host.calls.length = 0;
    };
    for (let i = 0; i < 500; i++) turn();
    const early = guest.memory.buffer.byteLength;
    for (let i = 0; i < 5_000; i++) turn();
    assert.equal(guest.memory.buffer.byteLength, early);
  });
});
