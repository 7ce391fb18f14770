import { wsClose, wsSend } from './host';
import { MapView } from './map-view';
import { Writer } from './writer';

/** What a frame is (RFC 6455, 5.2). */
const TEXT: u32 = 1;
const BINARY: u32 = 2;

/** Reused for all that is sent. */
// @ts-ignore: a decorator of the AssemblyScript compiler, which TypeScript does not know
@lazy
const writer = new Writer();

/** Where in the writer the id of the connection begins, which comes last: so one encoding serves many. */
let idAt: usize = 0;

/** A WebSocket connection: the same object from its `onOpen` to its `onClose`. */
export class Socket {
  constructor(
    /** Names this connection towards the host, and no other as long as the host runs: a good key of a `Map`. */
    public readonly id: u64,
    /** The path that it was opened on. */
    public readonly path: string,
  ) {}

  /** Sends a text message. False: the connection is over. What a slow client leaves untaken the host bounds. */
  send(text: string): bool {
    encodeText(text);
    const taken = sendTo(this.id);
    writer.reset();
    return taken;
  }

  /** Sends a binary message. False as with `send`. */
  sendBytes(bytes: Uint8Array): bool {
    writer.reset();
    encodeOpcode(BINARY);
    writer.bin(bytes.dataStart, bytes.byteLength);
    encodeIdKey();
    const taken = sendTo(this.id);
    writer.reset();
    return taken;
  }

  /**
   * Closes the connection; its `onClose` comes when that is done. False: it is over already, the code is none
   * that may be sent (1000 to 1014 but not 1004 to 1006, or 3000 to 4999), or the reason is over 123 bytes.
   */
  close(code: i32 = 1000, reason: string = ""): bool {
    writer.reset();
    writer.map(3);
    writer.str("conn_id");
    writer.u64(this.id);
    writer.str("code");
    writer.u64(u64(u32(code)));
    writer.str("reason");
    writer.str(reason);
    const refused = wsClose(writer.start, writer.size);
    writer.reset();
    return refused == 0;
  }
}

/** A message that came over a WebSocket. It ends with its step: copy out what is to be kept. */
export class Message {
  /** For the SDK. */
  constructor(private event: MapView) {}

  /** Whether it was sent as text. If not, it is binary. */
  get isText(): bool {
    return this.event.i64("opcode") == TEXT;
  }

  /** The message as text; what is not UTF-8 in a binary one becomes U+FFFD. */
  text(): string {
    return this.event.get("payload");
  }

  /** A copy of the message's bytes. */
  bytes(): Uint8Array {
    return this.event.bytes("payload");
  }
}

/** For the SDK: sends one text to many connections, encoded once. Gives how many took it. */
export function sendToAll(sockets: Socket[], text: string): i32 {
  encodeText(text);
  let taken = 0;
  for (let i = 0; i < sockets.length; i++) taken += i32(sendTo(unchecked(sockets[i]).id));
  writer.reset();
  return taken;
}

function encodeText(text: string): void {
  writer.reset();
  encodeOpcode(TEXT);
  writer.binText(text);
  encodeIdKey();
}

function encodeOpcode(opcode: u32): void {
  writer.map(3);
  writer.str("opcode");
  writer.u64(opcode);
  writer.str("payload");
}

function encodeIdKey(): void {
  writer.str("conn_id");
  idAt = writer.size;
}

function sendTo(id: u64): bool {
  writer.size = idAt;
  writer.u64(id);
  return wsSend(writer.start, writer.size) == 0;
}
