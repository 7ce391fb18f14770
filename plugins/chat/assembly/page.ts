import { escapeHTML } from "pulp-sdk-assemblyscript";
import { STYLE } from "./style";

/** The page. What people write is put in by the script, as text. */
export function page(title: string): string {
  const name = escapeHTML(title);
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${name}</title>
<link rel="icon" href="data:,">
<style>${STYLE}</style>
<script src="/chat.js" defer></script>
</head>
<body>
<header>
<p class="mark">Pulp</p>
<h1>${name}</h1>
<p class="lead"><span id="light" class="light"></span> <span id="state" role="status">Not connected</span></p>
</header>
<main>
<section class="chat" aria-label="Chat">
<ol id="log" aria-live="polite"></ol>
<form id="join">
<label for="name">Your name</label>
<div class="row"><input id="name" maxlength="24" autocomplete="nickname" autofocus><button>Join</button></div>
</form>
<form id="say" hidden>
<label for="text">Message</label>
<div class="row"><input id="text" maxlength="500" autocomplete="off"><button>Send</button></div>
</form>
</section>
<aside>
<section>
<h2>Feed</h2>
<p class="note">Server-sent events from <code>/events</code></p>
<dl>
<div><dt>Online</dt><dd id="online">–</dd></div>
<div><dt>Messages</dt><dd id="messages">–</dd></div>
<div><dt>Last tick</dt><dd id="tick">–</dd></div>
</dl>
</section>
<section>
<h2>Weather</h2>
<p class="note">The plugin asks another server</p>
<form id="look">
<label for="city">City</label>
<div class="row"><input id="city" maxlength="64" value="Lisbon" autocomplete="off"><button>Ask</button></div>
</form>
<pre id="weather" hidden></pre>
</section>
</aside>
</main>
<noscript><p>Without JavaScript there is nothing to chat with.</p></noscript>
<footer>A WebAssembly plugin answers here: <code>plugins/chat</code>.</footer>
</body>
</html>
`;
}
