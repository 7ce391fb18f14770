import { HeaderList, sameName, writeHeaders } from './header-list';
import { httpFetch } from './host';
import { hostResult } from './host-result';
import { Reply } from './reply';
import { Writer } from './writer';

/** Reused for every request. */
// @ts-ignore: a decorator of the AssemblyScript compiler, which TypeScript does not know
@lazy
const writer = new Writer();

/** `Fetch.get(url).send()` */
export function fetch(url: string): Reply {
  return Fetch.get(url).send();
}

/**
 * A request to another server: made, then sent. The capability `transport.http.outbound` must be declared, and
 * its table in the manifest says which hosts may be asked.
 *
 * The plugin waits in `send`, and takes no other event meanwhile.
 */
export class Fetch {
  private headers: HeaderList | null = null;
  private contentType: string = "";
  private content: string = "";
  private body: Uint8Array | null = null;
  private milliseconds: i64 = 0;

  constructor(
    public readonly method: string,
    /** Absolute, `http` or `https`. `encodeURIComponent` what comes from outside. */
    public readonly url: string,
  ) {}

  static get(url: string): Fetch {
    return new Fetch("GET", url);
  }

  static post(url: string): Fetch {
    return new Fetch("POST", url);
  }

  static put(url: string): Fetch {
    return new Fetch("PUT", url);
  }

  /** The method DELETE: `delete` is a word of the language. */
  static del(url: string): Fetch {
    return new Fetch("DELETE", url);
  }

  /** Sets a header, in place of one of the same name. `Host`, `Content-Length` and the like are the host's. */
  header(name: string, value: string): Fetch {
    if (sameName(name, "content-type")) {
      this.contentType = value;
      return this;
    }
    let list = this.headers;
    if (list === null) this.headers = list = new HeaderList();
    list.set(name, value);
    return this;
  }

  /** A body of text in UTF-8. */
  text(body: string, contentType: string = "text/plain; charset=utf-8"): Fetch {
    this.contentType = contentType;
    this.content = body;
    this.body = null;
    return this;
  }

  /** A body that is JSON already; for strings in it there is `quoteJSON`. */
  json(body: string): Fetch {
    return this.text(body, "application/json");
  }

  /** A body of any bytes. */
  bytes(body: Uint8Array, contentType: string = "application/octet-stream"): Fetch {
    this.contentType = contentType;
    this.body = body;
    return this;
  }

  /** How long the whole exchange may take. Without it the host decides (25 s), and it has an upper bound. */
  timeout(milliseconds: i64): Fetch {
    this.milliseconds = milliseconds;
    return this;
  }

  /** Sends the request and waits for the whole reply. It may be sent again. */
  send(): Reply {
    this.encode();
    const code = httpFetch(writer.start, writer.size, hostResult.pointerOut(), hostResult.lengthOut());
    writer.reset();
    const reply = new Reply(i32(code));
    if (code == 0) reply.decode(hostResult.start(), hostResult.size());
    hostResult.free();
    return reply;
  }

  private encode(): void {
    writer.reset();
    writer.map(4 + u32(this.milliseconds > 0));
    writer.str("method");
    writer.str(this.method);
    writer.str("url");
    writer.str(this.url);
    writer.str("headers");
    writeHeaders(writer, this.contentType, this.headers);
    writer.str("body");
    const body = this.body;
    if (body !== null) writer.bin(body.dataStart, body.byteLength);
    else writer.binText(this.content);
    if (this.milliseconds > 0) {
      writer.str("timeout");
      // On the wire it is in nanoseconds; what does not fit is as long as can be said.
      writer.i64(min<i64>(this.milliseconds, i64.MAX_VALUE / 1_000_000) * 1_000_000);
    }
  }
}
