/** The page's style: no file beside the page, light and dark, readable on a phone. */
export const STYLE: string = `
:root {
  color-scheme: light dark;
  --ground: light-dark(#fbf7f1, #17130f);
  --card: light-dark(#ffffff, #211b16);
  --ink: light-dark(#2a211a, #f2e9df);
  --faint: light-dark(#6f6257, #b3a496);
  --line: light-dark(#e6dccf, #3a3029);
  --accent: light-dark(#b4470a, #ff9d52);
}
* { box-sizing: border-box; }
body {
  margin: 0 auto; max-width: 62rem; padding: 2rem 1.25rem 3rem;
  background: var(--ground); color: var(--ink);
  font: 1rem/1.6 system-ui, sans-serif;
}
h1 { margin: 0; font-size: clamp(1.7rem, 6vw, 2.4rem); line-height: 1.15; overflow-wrap: anywhere; }
h2 { margin: 1.25rem 0 .4rem; font-size: 1.05rem; }
.mark { margin: 0 0 .35rem; color: var(--accent); font-weight: 700; letter-spacing: .04em; }
.note { color: var(--faint); font-size: .9rem; }
main { display: grid; grid-template-columns: 19rem minmax(0, 1fr); gap: 1.25rem; margin-top: 1.25rem; align-items: start; }
nav, form { padding: 1.1rem; background: var(--card); border: 1px solid var(--line); border-radius: .75rem; }
.row { display: flex; gap: .5rem; align-items: center; margin: 0; }
ul { margin: 0; padding: 0; list-style: none; }
#list { max-height: 70vh; margin-top: .9rem; overflow-y: auto; }
#list button {
  display: grid; gap: .1rem; width: 100%; padding: .6rem .7rem; border-color: transparent;
  background: none; color: var(--ink); font-weight: 400; text-align: left; overflow-wrap: anywhere;
}
#list button:hover, #list [aria-current] { background: var(--ground); border-color: var(--line); }
#list b { line-height: 1.3; }
#list time { color: var(--faint); font-size: .75rem; }
#list span { overflow: hidden; color: var(--faint); font-size: .85rem; text-overflow: ellipsis; white-space: nowrap; }
label { display: block; margin: .9rem 0 .3rem; color: var(--faint); font-size: .9rem; }
form label:first-child { margin-top: 0; }
input, textarea, button { min-width: 0; padding: .55rem .8rem; border: 1px solid var(--line); border-radius: .5rem; font: inherit; }
input, textarea { width: 100%; background: var(--ground); color: var(--ink); }
textarea { resize: vertical; }
form > .row { margin-top: .9rem; }
button { border-color: var(--accent); background: var(--accent); color: var(--card); font-weight: 600; cursor: pointer; }
.row button { flex: none; }
button.plain { border-color: var(--line); background: none; color: var(--accent); }
#more { margin-top: .8rem; }
#files li { display: flex; justify-content: space-between; align-items: center; gap: .75rem; padding: .3rem 0; overflow-wrap: anywhere; }
#files .plain { padding: .2rem .6rem; font-size: .85rem; }
a { color: var(--accent); }
:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; }
[hidden] { display: none; }
code { font-family: ui-monospace, monospace; font-size: .9em; }
footer { margin-top: 1.25rem; color: var(--faint); font-size: .9rem; }
@media (max-width: 46rem) {
  main { grid-template-columns: minmax(0, 1fr); }
  #list { max-height: 32vh; }
}
`;
