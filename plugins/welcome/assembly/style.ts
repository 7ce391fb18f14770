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
  margin: 0 auto; max-width: 46rem; padding: 2.5rem 1.25rem 4rem;
  background: var(--ground); color: var(--ink);
  font: 1rem/1.6 system-ui, sans-serif;
}
h1 { margin: 0 0 .75rem; font-size: clamp(1.9rem, 7vw, 2.9rem); line-height: 1.15; overflow-wrap: anywhere; }
h2 { margin: 0 0 .9rem; font-size: 1.15rem; }
.mark { margin: 0 0 .5rem; color: var(--accent); font-weight: 700; letter-spacing: .04em; }
.lead { margin: 0; color: var(--faint); font-size: 1.08rem; }
a { color: var(--accent); }
code, pre, td, time { font-family: ui-monospace, monospace; font-size: .9em; }
code { overflow-wrap: anywhere; }
.figures { display: grid; grid-template-columns: repeat(auto-fit, minmax(9rem, 1fr)); gap: .75rem; margin: 2rem 0 .75rem; }
.figures div, section { background: var(--card); border: 1px solid var(--line); border-radius: .75rem; }
.figures div { padding: .8rem 1rem; }
dt { color: var(--faint); font-size: .9rem; }
dd { margin: 0; }
.figures dd { font-size: 1.6rem; font-weight: 650; line-height: 1.3; font-variant-numeric: tabular-nums; }
.figures .note { color: var(--faint); font-size: .8rem; font-weight: 400; }
.time { margin: 0 0 1.5rem; color: var(--faint); font-size: .9rem; }
section { margin: 1.25rem 0; padding: 1.25rem; }
.links { margin: 0 0 1rem; padding-left: 1.1rem; }
.links li { margin: .35rem 0; }
label { display: block; margin-bottom: .35rem; }
.row { display: flex; gap: .5rem; }
input, button { min-width: 0; padding: .55rem .8rem; border: 1px solid var(--line); border-radius: .5rem; font: inherit; }
input { flex: 1; background: var(--ground); color: var(--ink); }
button { border-color: var(--accent); background: var(--accent); color: var(--card); font-weight: 600; cursor: pointer; }
:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; }
pre { margin: 1rem 0 0; padding: .8rem 1rem; overflow-x: auto; background: var(--ground); border-radius: .5rem; }
.wide { overflow-x: auto; }
table { width: 100%; border-collapse: collapse; }
th, td { padding: .4rem .75rem .4rem 0; border-top: 1px solid var(--line); text-align: left; vertical-align: top; }
th { color: var(--faint); font-size: .9rem; font-weight: 400; white-space: nowrap; }
th[scope=rowgroup] { padding-top: 1rem; color: var(--ink); font-weight: 650; }
tbody:first-child tr:first-child > * { border-top: 0; }
td { overflow-wrap: anywhere; }
.none { color: var(--faint); }
.allows { margin: 0; }
.allows div + div { margin-top: .8rem; }
footer { color: var(--faint); font-size: .9rem; }
@media (max-width: 30rem) {
  th[scope=row] { white-space: normal; overflow-wrap: anywhere; width: 38%; }
}
`;
