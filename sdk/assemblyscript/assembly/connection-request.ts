import { MapView } from './map-view';

/**
 * What a client asked for when it connected: to a WebSocket, or to a stream of events. It ends with its step,
 * and all of it is what the client chose to send.
 */
export class ConnectionRequest {
  /** For the SDK. */
  constructor(private event: MapView) {}

  /** Percent-decoded, without the query. */
  get path(): string {
    return this.event.get("path");
  }

  /** Query parameters; the first of each name. */
  get query(): MapView {
    return this.event.map("query");
  }

  /** Headers, the first of each name. Names match in either case. `Host` is not among them. */
  get headers(): MapView {
    return this.event.map("headers", true);
  }
}
