import { HeaderList, sameName, writeHeaders } from './header-list';
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
  private headers: HeaderList | null = null;
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
    if (sameName(name, "content-type")) this.contentType = value;
    else this.list().set(name, value);
    return this;
  }

  /** Adds a header beside those of the same name: for `Set-Cookie`, and the few others that may come twice. */
  append(name: string, value: string): Response {
    if (sameName(name, "content-type")) this.contentType = value;
    else this.list().add(name, value);
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
    writeHeaders(writer, this.contentType, this.headers);
    writer.str("body");
    const body = this.body;
    if (body !== null) writer.bin(body.dataStart, body.byteLength);
    else writer.binText(this.content);
  }

  private list(): HeaderList {
    let list = this.headers;
    if (list === null) this.headers = list = new HeaderList();
    return list;
  }
}
