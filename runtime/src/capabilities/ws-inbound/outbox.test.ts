import assert from 'node:assert/strict';
import { Duplex } from 'node:stream';
import { suite, test } from 'node:test';
import { type ReceivedFrame, takeFrame } from '../../../../test/support/raw-websocket.ts';
import { Budget } from '../../edge/budget.ts';
import { inlineBytes } from '../../link/link.ts';
import { FlushList, Outbox } from './outbox.ts';

/** A socket whose client takes what it is told to take. */
class Client extends Duplex {
  /** What was written, a piece for each system call. */
  readonly writes: Buffer[] = [];
  takes = true;
  #waiting: (() => void) | undefined;

  constructor() {
    super({ decodeStrings: false });
  }

  override _read(): void {
    // It says nothing.
  }

  override _write(chunk: string | Buffer, _encoding: BufferEncoding, done: () => void): void {
    this.#wrote([chunk], done);
  }

  override _writev(chunks: readonly { readonly chunk: string | Buffer }[], done: () => void): void {
    this.#wrote(
      chunks.map(({ chunk }) => chunk),
      done,
    );
  }

  /** The client takes what it has left until now. */
  async catchUp(): Promise<void> {
    this.takes = true;
    const done = this.#waiting;
    this.#waiting = undefined;
    done?.();
    await settled();
  }

  frames(): readonly ReceivedFrame[] {
    const frames: ReceivedFrame[] = [];
    let left: Buffer = Buffer.concat(this.writes);
    for (let taken = takeFrame(left); taken !== undefined; taken = takeFrame(left)) {
      frames.push(taken.frame);
      left = taken.rest;
    }
    assert.equal(left.length, 0, 'half a frame is left');
    return frames;
  }

  texts(): readonly string[] {
    return this.frames().map(({ payload }) => payload.toString('latin1'));
  }

  #wrote(chunks: readonly (string | Buffer)[], done: () => void): void {
    this.writes.push(
      Buffer.concat(
        chunks.map((chunk) => (typeof chunk === 'string' ? Buffer.from(chunk, 'latin1') : chunk)),
      ),
    );
    if (this.takes) done();
    else this.#waiting = done;
  }
}

const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
const bytes = (text: string): Uint8Array => Buffer.from(text, 'latin1');
const ignore = (): void => undefined;
const large = (size: number): Uint8Array => Buffer.alloc(size, 'x');

function made(maxBytes = 1_000_000, unread = new Budget(1_000_000)) {
  const client = new Client();
  const state = { open: true, emptied: 0, exceeded: 0 };
  const list = new FlushList();
  const outbox = new Outbox(client, {
    maxBytes,
    list,
    unread,
    open: () => state.open,
    emptied: () => {
      state.emptied += 1;
    },
    exceeded: () => {
      state.exceeded += 1;
    },
  });
  return { client, outbox, state, list };
}

suite('the frames that go out on a connection', () => {
  for (const size of [0, 1, 125, 126, 127, 255, 256, inlineBytes, inlineBytes + 1, 65_535, 65_536, 70_000]) {
    test(`a message of ${size} bytes is one frame`, async () => {
      const { client, outbox } = made();
      const payload = Buffer.alloc(size, '\xfe', 'latin1');
      for (const opcode of [1, 2] as const) assert.ok(outbox.add(opcode, Buffer.from(payload)));
      await settled();
      assert.deepEqual(client.frames(), [
        { fin: true, opcode: 1, payload },
        { fin: true, opcode: 2, payload },
      ]);
    });
  }

  test('what is added in one go is one write, in its order', async () => {
    const { client, outbox } = made();
    const texts = [
      'a',
      'x'.repeat(40_000),
      'b',
      'c',
      'y'.repeat(30_000),
      'd',
      ...Array.from({ length: 1000 }, () => 'e'),
    ];
    for (const text of texts) outbox.add(1, bytes(text));
    assert.equal(client.writes.length, 0);
    await settled();
    assert.equal(client.writes.length, 1);
    assert.deepEqual(client.texts(), texts);
  });

  test('a small payload may change after it was added', async () => {
    const { client, outbox } = made();
    const payload = Buffer.from('before');
    outbox.add(1, payload);
    payload.fill(0);
    await settled();
    assert.deepEqual(client.texts(), ['before']);
  });

  test('while the client has not taken one write, the next waits, and is one write again', async () => {
    const { client, outbox, state } = made();
    client.takes = false;
    for (const text of ['a', 'b', 'c']) {
      outbox.add(1, bytes(text));
      await settled();
    }
    assert.deepEqual(client.texts(), ['a']);
    assert.ok(outbox.blocked);
    await client.catchUp();
    assert.deepEqual(client.texts(), ['a', 'b', 'c']);
    assert.equal(client.writes.length, 2);
    assert.deepEqual([outbox.blocked, state.emptied], [false, 1]);
  });

  test('a client that takes nothing owes up to the limit', async () => {
    const { client, outbox } = made(1000);
    client.takes = false;
    outbox.add(1, bytes('first'));
    await settled();
    const size = 100;
    const fit = Math.floor((1000 - client.writableLength) / (size + 2));
    for (let count = 0; count < fit; count++) assert.ok(outbox.add(2, new Uint8Array(size)));
    assert.ok(!outbox.add(2, new Uint8Array(size)));
    await client.catchUp();
    assert.equal(client.frames().length, 1 + fit);
    assert.ok(outbox.add(2, new Uint8Array(size)));
  });

  test('one message fits whatever its size, a second only behind it', async () => {
    const { client, outbox } = made(1000);
    client.takes = false;
    assert.ok(outbox.add(2, new Uint8Array(50_000)));
    assert.ok(!outbox.add(2, new Uint8Array(1)));
    await client.catchUp();
    assert.ok(outbox.add(2, new Uint8Array(50_000)));
  });

  test('a client that takes everything at once is never too slow', async () => {
    const { client, outbox } = made(1000);
    for (let count = 0; count < 100; count++) assert.ok(outbox.add(2, new Uint8Array(900)));
    await settled();
    assert.equal(client.frames().length, 100);
  });

  test('behind a close frame nothing is written', async () => {
    const { client, outbox, state } = made();
    outbox.add(1, bytes('a'));
    state.open = false;
    await settled();
    assert.equal(client.writes.length, 0);
  });

  test('before a close frame all that waits is written, taken or not', async () => {
    const { client, outbox } = made();
    client.takes = false;
    outbox.add(1, bytes('a'));
    await settled();
    outbox.add(1, bytes('b'));
    outbox.finish();
    await client.catchUp();
    assert.deepEqual(client.texts(), ['a', 'b']);
  });

  test('what is cleared is not written', async () => {
    const { client, outbox } = made();
    client.takes = false;
    for (const text of ['a', 'b']) {
      outbox.add(1, bytes(text));
      await settled();
    }
    outbox.clear();
    await client.catchUp();
    assert.deepEqual(client.texts(), ['a']);
  });

  test('a socket that is destroyed takes nothing and throws nothing', async () => {
    const { client, outbox } = made();
    client.takes = false;
    outbox.add(1, bytes('a'));
    await settled();
    outbox.add(1, bytes('b'));
    client.destroy();
    await settled();
    outbox.add(1, bytes('c'));
    await settled();
    assert.equal(client.writes.length, 1);
  });

  test('those of many connections go out together', async () => {
    const { list } = made();
    const clients = Array.from({ length: 10 }, () => new Client());
    const options = { maxBytes: 1000, list, unread: new Budget(1000), open: () => true, emptied: ignore };
    const outboxes = clients.map((client) => new Outbox(client, { ...options, exceeded: ignore }));
    for (const text of ['a', 'b']) for (const outbox of outboxes) outbox.add(1, bytes(text));
    assert.ok(clients.every(({ writes }) => writes.length === 0));
    await settled();
    for (const client of clients) assert.deepEqual([client.writes.length, client.texts()], [1, ['a', 'b']]);
  });
});

suite('what all clients leave unread', () => {
  test('counts from when a write is not taken until it is, and no client alone is too much', async () => {
    const unread = new Budget(1000);
    const { client, outbox, state } = made(10_000, unread);
    assert.ok(outbox.add(1, large(500)));
    await settled();
    assert.equal(unread.used, 0, 'it was taken at once');
    client.takes = false;
    assert.ok(outbox.add(1, large(5000)));
    await settled();
    assert.equal(unread.used, 5004);
    assert.ok(outbox.add(1, large(100)));
    assert.equal(unread.used, 5004 + 102);
    assert.equal(state.exceeded, 0);
    await client.catchUp();
    assert.equal(unread.used, 0);
  });

  test('who leaves a part of what is too much together is told, at once or with the next message', async () => {
    const unread = new Budget(1000);
    const [one, two, three] = [made(10_000, unread), made(10_000, unread), made(10_000, unread)];
    for (const { client } of [one, two, three]) client.takes = false;
    for (const { outbox } of [one, two]) assert.ok(outbox.add(1, large(400)));
    await settled();
    assert.equal(unread.used, 808);
    assert.ok(three.outbox.add(1, large(400)));
    await settled();
    assert.deepEqual(
      [one, two, three].map(({ state }) => state.exceeded),
      [0, 0, 1],
    );
    assert.equal(one.outbox.add(1, large(10)), false);
    three.outbox.close();
    one.outbox.close();
    assert.equal(unread.used, 404);
    assert.ok(two.outbox.add(1, large(10)));
    // What is told of the writes of a socket that is closed counts for nothing.
    await three.client.catchUp();
    assert.equal(unread.used, 404 + 12);
    two.outbox.clear();
    assert.equal(unread.used, 404, 'what was written is still there');
    await two.client.catchUp();
    assert.equal(unread.used, 0);
  });
});
