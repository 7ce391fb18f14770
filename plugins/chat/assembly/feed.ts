import { events, wallTime } from "pulp-sdk-assemblyscript";

const NANOSECONDS: u64 = 1_000_000_000;

const feed = events("/events");

let interval: u64 = 5 * NANOSECONDS;
let last: u64 = 0;

/** Sets how many seconds lie between two ticks; at least one. */
export function beginFeed(seconds: i64): void {
  interval = u64(min<i64>(max<i64>(seconds, 1), 86_400)) * NANOSECONDS;
}

/** Passes a chat message on, by its number. */
export function feedMessage(json: string, number: u64): void {
  feed.emit(json, "message", number.toString());
}

/** Tells how it stands, if it is time to. */
export function tickFeed(online: i32, messages: u64): void {
  const now = wallTime();
  // A clock that was set back is no reason to be silent until it comes around again.
  if (now >= last && now - last < interval) return;
  last = now;
  feed.emit(
    `{"online":${online.toString()},"messages":${messages.toString()},"time":${(now / 1_000_000).toString()}}`,
    "ticker",
  );
}
