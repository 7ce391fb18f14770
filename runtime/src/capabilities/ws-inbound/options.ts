import type { OptionsOf } from '../../ext.ts';
import { count, flag, list, NotAnOption } from '../option.ts';

/** Entries of a list, at most. */
const maxEntries = 100;

/** The keys of `[transport.ws.inbound]`. */
export const options = {
  /**
   * Bytes of a message that a client may send; beyond it the connection closes with 1009. At most half of what
   * the queue of a plugin holds, so that there is always room for one in the end.
   */
  max_message_bytes: count({ default: 1_048_576, min: 1, max: 33_554_432 }),
  /** Bytes that a client may leave unread; beyond it the connection closes with 1013. One message always fits. */
  max_buffered_bytes: count({ default: 1_048_576, min: 1024, max: 1_073_741_824 }),
  /** Connections of the plugin at one time; beyond it an upgrade gets 503. */
  max_connections: count({ default: 10_000, min: 1, max: 1_000_000 }),
  /**
   * How long a connection may be silent before it is pinged, in milliseconds. One that says nothing for as long
   * again is dropped.
   */
  ping_interval_ms: count({ default: 30_000, min: 100, max: 3_600_000 }),
  /**
   * Origins whose pages may connect; any where the list is left out. Browsers let every page open WebSockets to
   * every host, with its cookies: without the list a plugin must not trust those. Clients that name no origin are no
   * browsers and may always connect, so the list says nothing about who they are.
   */
  allowed_origins: list({ most: maxEntries, entry: readOrigin }),
  /**
   * Whether connections outlive the instance of the plugin: the next one is told of each by a `ws.open` with
   * `resumed: true`. Otherwise they close with 1012 when their instance ends.
   */
  resume: flag({ default: false }),
  /** Subprotocols that the plugin speaks, best first. None is selected unless it is here and the client asks for it. */
  protocols: list({ most: maxEntries, entry: readProtocol }),
};

export type WsOptions = OptionsOf<typeof options>;

/**
 * An origin as browsers send it (RFC 6454 section 6.2): scheme, host, and a port that is not the scheme's own. Those
 * of apps and extensions, such as `tauri://localhost`, are taken in lower case.
 */
function readOrigin(text: string): string {
  if (text === 'null') return text;
  // What is no page's origin would match nothing and look as if it did.
  const given = /^(?!wss?:)[a-z][a-z0-9+.-]*:\/\/[^\s/\\?#@*]+(?=\/?$)/i.exec(text)?.[0];
  const url = given === undefined ? null : URL.parse(given);
  if (given === undefined || url === null) {
    throw new NotAnOption(
      'expected an origin such as "https://example.com", without wildcards: that of a page',
    );
  }
  return url.origin === 'null' ? given.toLowerCase() : url.origin;
}

/** A token (RFC 6455 section 4.1). */
function readProtocol(text: string): string {
  if (!/^[!#$%&'*+\-.^_`|~0-9A-Za-z]{1,256}$/.test(text)) {
    throw new NotAnOption('expected the name of a subprotocol: letters, digits and signs, no blanks');
  }
  return text;
}
