import { Response, config, get, log, onInit, onTick } from "pulp-sdk-assemblyscript";
import { beginFeed, tickFeed } from "./feed";
import { page } from "./page";
import { online, said } from "./room";
import { SCRIPT } from "./script";
import { beginWeather, weather } from "./weather";

/** Nothing but what this plugin serves: no markup that slips in can load or send anything elsewhere. */
const POLICY = "default-src 'none'; script-src 'self'; style-src 'unsafe-inline'; img-src data:; connect-src 'self'; form-action 'none'; base-uri 'none'; frame-ancestors 'none'";

let title: string = "";

onInit(() => {
  title = config.string("title", "Pulp chat");
  beginFeed(config.i64("ticker_seconds", 5));
  beginWeather(config.string("weather_url"));
  log.info("chat: ready, the page is at / of the host's address");
});

onTick(() => {
  tickFeed(online(), said());
});

get("/", () => guarded(Response.html(page(title)).header("Content-Security-Policy", POLICY)));

get("/chat.js", () => guarded(new Response(200, "text/javascript; charset=utf-8", SCRIPT)));

get("/weather/:city", (request) => guarded(weather(request.params.get("city"))));

/** What is served is what its type says, and is asked for anew each time. */
function guarded(response: Response): Response {
  return response.header("X-Content-Type-Options", "nosniff").header("Cache-Control", "no-store");
}
