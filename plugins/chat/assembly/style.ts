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
  --own: light-dark(#fdeee2, #3a2617);
  --good: light-dark(#2c7a3f, #6fcf86);
}
* { box-sizing: border-box; }
body {
  margin: 0 auto; max-width: 62rem; padding: 2rem 1.25rem 3rem;
  background: var(--ground); color: var(--ink);
  font: 1rem/1.6 system-ui, sans-serif;
}
h1 { margin: 0 0 .4rem; font-size: clamp(1.7rem, 6vw, 2.4rem); line-height: 1.15; overflow-wrap: anywhere; }
h2 { margin: 0; font-size: 1.1rem; }
.mark { margin: 0 0 .35rem; color: var(--accent); font-weight: 700; letter-spacing: .04em; }
.lead, .note { margin: 0; color: var(--faint); overflow-wrap: anywhere; }
.note { font-size: .85rem; }
.light { display: inline-block; width: .65em; height: .65em; border-radius: 50%; background: var(--faint); }
.light.on { background: var(--good); }
main { display: grid; grid-template-columns: minmax(0, 1fr) 17rem; gap: 1.25rem; margin-top: 1.25rem; }
section { padding: 1.1rem; background: var(--card); border: 1px solid var(--line); border-radius: .75rem; }
aside { display: grid; gap: 1.25rem; align-content: start; }
ol {
  display: flex; flex-direction: column; gap: .45rem;
  height: min(58vh, 34rem); margin: 0 0 1rem; padding: 0; overflow-y: auto; list-style: none;
}
li { display: grid; grid-template-columns: 1fr auto; column-gap: .75rem; max-width: 85%; padding: .5rem .8rem;
  background: var(--ground); border-radius: .75rem; overflow-wrap: anywhere; }
li b { color: var(--accent); font-size: .85rem; }
li span { grid-column: 1 / -1; grid-row: 2; white-space: pre-wrap; }
li time { color: var(--faint); font-size: .75rem; }
li.own { align-self: flex-end; background: var(--own); }
li.notice { display: block; align-self: center; padding: 0; background: none; color: var(--faint); font-size: .85rem; }
li.notice b { color: inherit; }
li.notice span::before, li.notice time::before { content: " "; }
label { display: block; margin-bottom: .3rem; font-size: .9rem; color: var(--faint); }
.row { display: flex; gap: .5rem; }
input, button { min-width: 0; padding: .55rem .8rem; border: 1px solid var(--line); border-radius: .5rem; font: inherit; }
input { flex: 1; width: 100%; background: var(--ground); color: var(--ink); }
button { border-color: var(--accent); background: var(--accent); color: var(--card); flex: none; font-weight: 600; cursor: pointer; }
:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; }
[hidden] { display: none; }
dl { margin: .8rem 0 0; }
dl div { display: flex; justify-content: space-between; gap: 1rem; }
dt { color: var(--faint); }
dd { margin: 0; font-weight: 650; font-variant-numeric: tabular-nums; }
#look { margin-top: .8rem; }
pre { max-height: 12rem; margin: .8rem 0 0; padding: .7rem .8rem; overflow: auto; white-space: pre-wrap; overflow-wrap: anywhere;
  background: var(--ground); border-radius: .5rem; font: .85rem/1.5 ui-monospace, monospace; }
code { font-family: ui-monospace, monospace; font-size: .9em; }
footer { margin-top: 1.25rem; color: var(--faint); font-size: .9rem; }
@media (max-width: 46rem) {
  main { grid-template-columns: minmax(0, 1fr); }
  ol { height: 48vh; }
}
`;
