import { codeText, httpRespond } from './host';
import { log } from './log';
import { Writer } from './writer';

const TEXT = "text/plain; charset=utf-8";
const HTML = "text/html; charset=utf-8";
const JSON_TYPE = "application/json";

/** Reused for every answer. */
const writer = new Writer();

/**
 * An HTTP response. The host checks it: a status outside 200 to 599, or a header that HTTP forbids, reaches
 * the client as 502. `Content-Length`, `Transfer-Encoding` and `Connection` are the host's.
 */
export class Response {
  private names: string[] | null = null;
  private values: string[] | null = null;
  private body: Uint8Array | null = null;

  constructor(
    /** 200 to 599. */
    public status: i32 = 200,
    /** The `Content-Type`; with none the host goes by the body's first bytes. */
    public contentType: string = "",
    private content: string = "",
  ) {}

  /** `text/plain` in UTF-8. */
  static text(body: string, status: i32 = 200): Response {
    return new Response(status, TEXT, body);
  }

  /** `text/html` in UTF-8. Escape what comes from outside: `escapeHTML`. */
  static html(body: string, status: i32 = 200): Response {
    return new Response(status, HTML, body);
  }

  /** `application/json` from text that is JSON already; for strings in it there is `quoteJSON`. */
  static json(body: string, status: i32 = 200): Response {
    return new Response(status, JSON_TYPE, body);
  }

  /** Any bytes. */
  static bytes(body: Uint8Array, contentType: string = "application/octet-stream", status: i32 = 200): Response {
    const response = new Response(status, contentType);
    response.body = body;
    return response;
  }

  /** No body. */
  static empty(status: i32 = 204): Response {
    return new Response(status);
  }

  /** Sets a header, in place of one of the same name. */
  header(name: string, value: string): Response {
    const names = this.names;
    if (names !== null) {
      for (let i = names.length - 1; i >= 0; i--) {
        if (!sameName(names[i], name)) continue;
        names.splice(i, 1);
        this.values!.splice(i, 1);
      }
    }
    return this.append(name, value);
  }

  /** Adds a header beside those of the same name: for `Set-Cookie`, and the few others that may come twice. */
  append(name: string, value: string): Response {
    if (sameName(name, "content-type")) {
      this.contentType = value;
      return this;
    }
    if (this.names === null) {
      this.names = [];
      this.values = [];
    }
    this.names!.push(name);
    this.values!.push(value);
    return this;
  }

  /** For the SDK: hands the answer to the host. False when it was refused. */
  send(id: u64): bool {
    this.encode(id);
    const code = httpRespond(writer.start, writer.size);
    writer.reset();
    if (code == 0) return true;
    log.warn("http_respond: request " + id.toString() + ": " + codeText(code));
    return false;
  }

  private encode(id: u64): void {
    writer.reset();
    writer.map(4);
    writer.str("id");
    writer.u64(id);
    writer.str("status");
    writer.u64(u64(u32(this.status)));
    writer.str("headers");
    this.encodeHeaders();
    writer.str("body");
    const body = this.body;
    if (body !== null) writer.bin(body.dataStart, body.byteLength);
    else writer.binText(this.content);
  }

  private encodeHeaders(): void {
    const typed = u32(this.contentType.length != 0);
    const names = this.names;
    const values = this.values;
    if (names === null || values === null) {
      writer.map(typed);
      this.encodeType();
      return;
    }
    let distinct = typed;
    for (let i = 0; i < names.length; i++) distinct += u32(firstOf(names, i) == i);
    writer.map(distinct);
    this.encodeType();
    for (let i = 0; i < names.length; i++) {
      if (firstOf(names, i) != i) continue;
      let count: u32 = 0;
      for (let j = i; j < names.length; j++) count += u32(sameName(names[j], names[i]));
      writer.str(names[i]);
      // One value is a str, which every host takes; only several are an array.
      if (count > 1) writer.array(count);
      for (let j = i; j < names.length; j++) if (sameName(names[j], names[i])) writer.str(values[j]);
    }
  }

  private encodeType(): void {
    if (this.contentType.length == 0) return;
    writer.str("Content-Type");
    writer.str(this.contentType);
  }
}

function firstOf(names: string[], i: i32): i32 {
  for (let j = 0; j < i; j++) if (sameName(names[j], names[i])) return j;
  return i;
}

function sameName(a: string, b: string): bool {
  return a.length == b.length && a.toLowerCase() == b.toLowerCase();
}
