import { escapeHTML } from "pulp-sdk-assemblyscript";
import { STYLE } from "./style";

/** The page. The notes are put in by the script, as text. */
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
<script src="/notes.js" defer></script>
</head>
<body>
<header>
<p class="mark">Pulp</p>
<h1>${name}</h1>
</header>
<main>
<nav aria-label="Notes">
<div class="row"><input id="search" type="search" maxlength="200" placeholder="Search" aria-label="Search"><button id="add">New</button></div>
<ul id="list"></ul>
<p id="empty" class="note" hidden>No notes here.</p>
<button id="more" class="plain" hidden>Older notes</button>
</nav>
<form id="edit">
<label for="title">Title</label>
<input id="title" maxlength="200" required autocomplete="off">
<label for="text">Text</label>
<textarea id="text" rows="14" maxlength="100000"></textarea>
<p class="row"><button>Save</button> <button id="remove" type="button" class="plain" hidden>Delete</button> <span id="state" class="note" role="status"></span></p>
<section id="attached" hidden>
<h2>Files</h2>
<ul id="files"></ul>
<label for="file">Attach a file</label>
<input id="file" type="file">
</section>
</form>
</main>
<noscript><p>The page needs JavaScript. Without it there is the API: <code>GET /notes</code>.</p></noscript>
<footer>A WebAssembly plugin keeps this: <code>plugins/notes</code>.</footer>
</body>
</html>
`;
}
