import { MapView, currentViews, sameText } from './map-view';
import { Pattern } from './pattern';
import { Reader } from './reader';
import { Response } from './response';
import { decodeText } from './utf8';

const reader = new Reader(0, 0);

// Field names, or parts of them, as the numbers that their bytes are in memory (little-endian).
const ID: u16 = 0x6469;
const PATH: u32 = 0x68746170;
const BODY: u32 = 0x79646f62;
const HOST: u32 = 0x74736f68;
const QUER: u32 = 0x72657571;
const PROT: u32 = 0x746f7270;
const METH: u32 = 0x6874656d;
const OD: u16 = 0x646f;
const PARA: u32 = 0x61726170;
const MS: u16 = 0x736d;
const HEAD: u32 = 0x64616568;
const DERS: u32 = 0x73726564;
const RAW_PATH: u64 = 0x687461705f776172;
const REMOTE_A: u64 = 0x615f65746f6d6572;
const ADDR: u32 = 0x72646461;

/**
 * An HTTP request. It ends with its step: what is asked of it later is empty.
 *
 * Everything is decoded when it is asked for. Text is what the client sent, so it can be anything: escape it
 * before it becomes markup. Where it is not UTF-8 it has U+FFFD; `body`, and `bytes` of the views, give the
 * bytes as they came.
 */
export class Request {
  /** Names this request towards the host. */
  id: u64 = 0;
  /** False when the event that brought it could not be decoded. */
  ok: bool = false;
  private methodAt: usize = 0;
  private pathAt: usize = 0;
  private rawPathAt: usize = 0;
  private paramsAt: usize = 0;
  private queryAt: usize = 0;
  private headersAt: usize = 0;
  private bodyAt: usize = 0;
  private hostAt: usize = 0;
  private remoteAddrAt: usize = 0;
  private protoAt: usize = 0;
  private end: usize;
  private step: u32;

  /** For the SDK: notes in one pass where each field lies. Hot: one for each request. */
  constructor(start: usize, end: usize) {
    this.end = end;
    this.step = currentViews();
    reader.reset(start, end);
    for (let left = reader.map(); left > 0 && reader.ok; left--) {
      reader.span();
      const key = reader.start;
      const at = reader.at;
      switch (i32(reader.size)) {
        case 2:
          if (load<u16>(key) == ID) {
            this.id = reader.u64();
            continue;
          }
          break;
        case 4:
          if (load<u32>(key) == PATH) this.pathAt = at;
          else if (load<u32>(key) == BODY) this.bodyAt = at;
          else if (load<u32>(key) == HOST) this.hostAt = at;
          break;
        case 5:
          if (load<u32>(key) == QUER && load<u8>(key, 4) == 0x79) this.queryAt = at;
          else if (load<u32>(key) == PROT && load<u8>(key, 4) == 0x6f) this.protoAt = at;
          break;
        case 6:
          if (load<u32>(key) == METH && load<u16>(key, 4) == OD) this.methodAt = at;
          else if (load<u32>(key) == PARA && load<u16>(key, 4) == MS) this.paramsAt = at;
          break;
        case 7:
          if (load<u32>(key) == HEAD && load<u32>(key, 3) == DERS) this.headersAt = at;
          break;
        case 8:
          if (load<u64>(key) == RAW_PATH) this.rawPathAt = at;
          break;
        case 11:
          if (load<u64>(key) == REMOTE_A && load<u32>(key, 7) == ADDR) this.remoteAddrAt = at;
          break;
      }
      reader.skip();
    }
    this.ok = reader.ok;
  }

  /** In capitals, as `GET`. */
  get method(): string {
    return this.textAt(this.methodAt);
  }

  /** Percent-decoded, without the query. It cannot tell an encoded `/` from a real one: see `rawPath`. */
  get path(): string {
    return this.textAt(this.pathAt);
  }

  /** The path as sent, still percent-encoded; the decoded one from hosts that don't give it. */
  get rawPath(): string {
    return this.textAt(this.rawPathAt != 0 ? this.rawPathAt : this.pathAt);
  }

  /** Path parameters by their names in the pattern: `/echo/:msg` gives `msg`. */
  get params(): MapView {
    return this.mapAt(this.paramsAt, false);
  }

  /** Query parameters; the first of each name. */
  get query(): MapView {
    return this.mapAt(this.queryAt, false);
  }

  /** Headers, the first of each name. Names match in either case. `Host` is not among them: see `host`. */
  get headers(): MapView {
    return this.mapAt(this.headersAt, true);
  }

  /** A copy of the body's bytes. */
  get body(): Uint8Array {
    const size = this.spanAt(this.bodyAt) ? reader.size : 0;
    const body = new Uint8Array(i32(size));
    memory.copy(body.dataStart, reader.start, size);
    return body;
  }

  /** The body as text. */
  text(): string {
    return this.textAt(this.bodyAt);
  }

  /** What the client called this server: the `Host` header. The client chooses it freely. */
  get host(): string {
    return this.textAt(this.hostAt);
  }

  /** Address and port of the peer. Behind a proxy that is the proxy. */
  get remoteAddr(): string {
    return this.textAt(this.remoteAddrAt);
  }

  /** The protocol, as `HTTP/1.1`. */
  get proto(): string {
    return this.textAt(this.protoAt);
  }

  /**
   * Answers at once, while the step goes on; a handler that did so returns null. The host takes one answer a
   * request: false, and a line in the log, when it did not take this one.
   */
  respond(response: Response): bool {
    return response.send(this.id);
  }

  /** For the SDK: whether a method is the request's, without making a string. */
  hasMethod(method: string): bool {
    return this.spanAt(this.methodAt) && sameText(method, reader.start, reader.size);
  }

  /** For the SDK: whether a pattern takes the request's path. */
  matches(pattern: Pattern): bool {
    if (this.spanAt(this.rawPathAt)) return pattern.matches(reader.start, reader.size, true);
    return this.spanAt(this.pathAt) && pattern.matches(reader.start, reader.size, false);
  }

  private textAt(at: usize): string {
    return this.spanAt(at) ? decodeText(reader.start, reader.size) : "";
  }

  private mapAt(at: usize, foldCase: bool): MapView {
    return at != 0 && this.step == currentViews() ? new MapView(at, this.end, foldCase) : MapView.empty();
  }

  /** Puts what lies at an address into the reader's `start` and `size`. */
  private spanAt(at: usize): bool {
    if (at == 0 || this.step != currentViews()) return false;
    reader.reset(at, this.end);
    return reader.span();
  }
}

