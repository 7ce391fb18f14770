import { MapView, Request, callNumber, escapeHTML, wallTime } from "pulp-sdk-assemblyscript";
import { STYLE } from "./style";

/** What the page tells about the plugin. */
export class Facts {
  greeting: string = "";
  /** What the manifest allows, in pages of 64 KiB; 0: not told. */
  memoryPages: i64 = 0;
  links: bool = true;
  ticks: u64 = 0;
  requests: u64 = 0;
}

/** The page. Everything that comes from outside goes through `escapeHTML`. */
export function page(request: Request, facts: Facts): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>Pulp</title>
<link rel="icon" href="data:,">
<style>${STYLE}</style>
</head>
<body>
<header>
<p class="mark">Pulp</p>
<h1>${escapeHTML(facts.greeting)}</h1>
<p class="lead">A WebAssembly plugin, written in AssemblyScript, made this page just now: the host took your
request, gave it to the plugin as one step, and sent back what the plugin answered.</p>
</header>
<main>
${figures(facts)}
${facts.links ? links(request) : ""}
${seen(request)}
${manifest(facts)}
</main>
<footer>Change <code>greeting</code> in <code>plugins/welcome/pulp.plugin.toml</code> or the page in
<code>plugins/welcome/assembly/page.ts</code>, build, and start again.</footer>
</body>
</html>
`;
}

function figures(facts: Facts): string {
  return `<dl class="figures">
${figure("Step", "#" + callNumber().toString(), "since this instance began, from 0")}
${figure("Requests", facts.requests.toString(), "this one included")}
${figure("Ticks", facts.ticks.toString(), "steps without an event")}
${figure("Memory", size(memory.size()), memory.size().toString() + " pages of 64 KiB")}
</dl>
<p class="time">The host's clock at this step: <time>${isoTime(wallTime())}</time></p>`;
}

function figure(name: string, value: string, note: string): string {
  return `<div><dt>${name}</dt><dd>${value}</dd><dd class="note">${note}</dd></div>`;
}

function links(request: Request): string {
  const host = escapeHTML(request.host.length != 0 ? request.host : "localhost:8080");
  return `<section>
<h2>Try it</h2>
<ul class="links">
<li><a href="/echo/hello">GET /echo/hello</a> matches <code>/echo/:msg</code>; the answer is the parameter</li>
<li><a href="/?color=orange&amp;n=1">GET /?color=orange&amp;n=1</a> shows its query below</li>
<li><a href="/nothing-here">GET /nothing-here</a> has no route: the host says 404, no plugin is asked</li>
</ul>
<form method="post" action="/echo" enctype="text/plain">
<label for="message">POST /echo sends the body back</label>
<div class="row"><input id="message" name="message" value="Hello from a form" autocomplete="off"><button>Send</button></div>
</form>
<pre><code>curl http://${host}/echo/hello
curl -d 'any bytes' http://${host}/echo</code></pre>
</section>`;
}

function seen(request: Request): string {
  return `<section>
<h2>The request as the plugin saw it</h2>
<div class="wide"><table>
<tbody>
${row("method", request.method)}
${row("path", request.path)}
${row("raw_path", request.rawPath)}
${row("host", request.host)}
${row("remote_addr", request.remoteAddr)}
${row("proto", request.proto)}
${row("id", request.id.toString())}
</tbody>
${group("query", request.query)}
${group("headers", request.headers)}
</table></div>
</section>`;
}

function group(name: string, view: MapView): string {
  const keys = view.keys();
  let rows = `<tbody><tr><th colspan="2" scope="rowgroup">${name}</th></tr>`;
  if (keys.length == 0) rows += `<tr><td colspan="2" class="none">none</td></tr>`;
  for (let i = 0; i < keys.length; i++) rows += row(keys[i], view.get(keys[i]));
  return rows + "</tbody>";
}

function row(name: string, value: string): string {
  return `<tr><th scope="row">${escapeHTML(name)}</th><td>${escapeHTML(value)}</td></tr>`;
}

function manifest(facts: Facts): string {
  const limit = facts.memoryPages;
  const allowed = limit > 0 ? `At most ${size(i32(limit))}: <code>max_memory_pages = ${limit.toString()}</code>.` : "";
  return `<section>
<h2>What the manifest allows</h2>
<dl class="allows">
<div><dt>HTTP requests</dt><dd>Yes: <code>capabilities = ["transport.http.inbound"]</code>.</dd></div>
<div><dt>Files, databases, requests to other servers</dt><dd>No: not declared, so the host refuses such a call
with code 99. A plugin has nothing that its manifest doesn't name.</dd></div>
<div><dt>Memory</dt><dd>${allowed} A plugin cannot see the memory of the host or of other plugins.</dd></div>
<div><dt>Config</dt><dd>As given in <code>[config]</code>: <code>greeting = "${escapeHTML(facts.greeting)}"</code>,
<code>memory_pages = ${limit.toString()}</code>, <code>show_links = ${facts.links ? "true" : "false"}</code>.</dd></div>
</dl>
</section>`;
}

function size(pages: i32): string {
  const kib = i64(pages) * 64;
  return kib < 1024 ? kib.toString() + " KiB" : (kib / 1024).toString() + " MiB";
}

function isoTime(nanoseconds: u64): string {
  return new Date(i64(nanoseconds / 1_000_000)).toISOString();
}
