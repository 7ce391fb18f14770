import { Response, config, get, log, onInit, onTick, post } from "pulp-sdk-assemblyscript";
import { Facts, page } from "./page";

let ticks: u64 = 0;
let requests: u64 = 0;
const facts = new Facts();

onInit(() => {
  facts.greeting = config.string("greeting", "Pulp is running");
  facts.memoryPages = config.i64("memory_pages");
  facts.links = config.bool("show_links", true);
  log.info("welcome: ready, the page is at / of the host's address");
});

onTick(() => {
  ticks++;
});

get("/", (request) => {
  requests++;
  facts.ticks = ticks;
  facts.requests = requests;
  return Response.html(page(request, facts))
    .header("Cache-Control", "no-store")
    .header("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; img-src data:; form-action 'self'; frame-ancestors 'none'")
    .header("X-Content-Type-Options", "nosniff");
});

get("/echo/:msg", (request) => {
  requests++;
  return Response.bytes(request.params.bytes("msg"), "text/plain; charset=utf-8")
    .header("X-Content-Type-Options", "nosniff");
});

post("/echo", (request) => {
  requests++;
  return Response.bytes(request.body, request.headers.get("Content-Type", "application/octet-stream"))
    .header("X-Content-Type-Options", "nosniff");
});
