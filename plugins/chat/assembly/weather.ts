import { Fetch, Response, quoteJSON } from "pulp-sdk-assemblyscript";

/** Characters of a city's name. */
const MAX_CITY: i32 = 64;

/** Bytes of an answer that are passed on. */
const MAX_BODY: i32 = 65_536;

/** How long the chat may stand still for a lookup, in milliseconds. */
const TIMEOUT: i64 = 5000;

let base: string = "";

/** Sets what a city's name is put behind. */
export function beginWeather(url: string): void {
  base = url;
}

/** What the other server says of a city. */
export function weather(city: string): Response {
  // A dot segment would lead to another path of that server than the one in the manifest.
  if (city.length == 0 || city.length > MAX_CITY || city == "." || city == "..") {
    return failure("a city has 1 to " + MAX_CITY.toString() + " characters", 400);
  }
  if (base.length == 0) return failure("weather_url is not set in the manifest", 502);
  const reply = Fetch.get(base + encodeURIComponent(city)).header("Accept", "application/json").timeout(TIMEOUT).send();
  if (!reply.ok) return failure("the weather server: " + reply.error, 502);
  if (reply.body.length > MAX_BODY) return failure("the weather server: its answer is too long", 502);
  // Whatever that server says it is, it must not become a page of this one.
  const isJSON = reply.headers.get("Content-Type").toLowerCase().startsWith("application/json");
  return Response.bytes(reply.body, isJSON ? "application/json" : "text/plain; charset=utf-8");
}

function failure(reason: string, status: i32): Response {
  return Response.json(`{"error":${quoteJSON(reason)}}`, status);
}
