import { codeText } from './host';
import { MapView } from './map-view';
import { decodeText } from './utf8';

/** The code of a result that cannot be decoded: the one that the host has for what it cannot decode. */
const UNREADABLE: i32 = 3;

/** What another server answered, or why nobody did. It is the plugin's own, and may be kept. */
export class Reply {
  /** The status; 0 when there was no reply. */
  status: i32 = 0;
  /** The first of each name. Names match in either case. */
  headers: MapView = MapView.empty();
  /** The body's bytes, without any compression that they travelled in. */
  body: Uint8Array = new Uint8Array(0);

  constructor(
    /** 0: there is a reply, whatever its status. Otherwise what `http_fetch` gave, such as 4: it failed. */
    public code: i32,
  ) {}

  /** Whether there is a reply, and its status is one of success: 200 to 299. */
  get ok(): bool {
    return this.code == 0 && this.status >= 200 && this.status <= 299;
  }

  /** What is wrong, in words; nothing when `ok`. The host's log has more. */
  get error(): string {
    if (this.code == 4) return "no reply: the request is not allowed, or it failed on the way";
    if (this.code != 0) return "no reply: " + codeText(u32(this.code));
    return this.ok ? "" : "status " + this.status.toString();
  }

  /** The body as text in UTF-8. */
  text(): string {
    return decodeText(this.body.dataStart, this.body.byteLength);
  }

  /** For the SDK: takes over what the host gave. Nothing of it is looked at later. */
  decode(start: usize, size: usize): void {
    const fields = new MapView(start, start + size);
    const status = fields.i64("status");
    if (!fields.whole || status < 100 || status > 999) {
      this.code = UNREADABLE;
      return;
    }
    this.status = i32(status);
    this.body = fields.bytes("body");
    this.headers = fields.map("headers", true).copy();
  }
}
