import type { Chart, ChartGroup } from './measurement.ts';

/** All lengths are in pixels of the plot's own coordinates; it scales with the page. */
const width = 880;
const margin = { side: 40, top: 24 } as const;
const panel = { head: 36, bars: 190, foot: 34 } as const;
const panelHeight = panel.head + panel.bars + panel.foot;
const legendHeight = 36;
const gapBetweenGroups = 0.25;
const widestBar = 72;

/** Okabe and Ito's colours, which stay apart for the colour-blind, dark enough for both backgrounds. */
const palette = ['#8c959f', '#0072b2', '#d55e00', '#009e73'];

/**
 * The style for a light page and for a dark one. The plot brings its background along, so that its text can
 * be read even where the page does not follow the system's choice.
 */
const style = `
  text { font: 13px system-ui, -apple-system, 'Segoe UI', sans-serif; fill: #1f2328; }
  .title { font-size: 15px; font-weight: 600; }
  .value { font-size: 11px; }
  .back { fill: #ffffff; stroke: #d1d9e0; }
  .axis { stroke: #8c959f; }
  @media (prefers-color-scheme: dark) {
    text { fill: #e6edf3; }
    .back { fill: #161b22; stroke: #3d444d; }
  }`;

/** Draws charts as one SVG image, a panel each, one below the other. */
export function plot(charts: readonly Chart[], caption: string): string {
  const names = [
    ...new Set(charts.flatMap(({ groups }) => groups.flatMap(({ bars }) => bars.map(({ name }) => name)))),
  ];
  const colours = new Map(names.map((name, index) => [name, palette[index % palette.length] ?? '#000000']));
  const height = margin.top + legendHeight + charts.length * panelHeight + margin.top;
  const panels = charts.map((chart, index) =>
    drawPanel(chart, { top: margin.top + legendHeight + index * panelHeight, colours }),
  );
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img">`,
    `<title>${escape(charts.map(({ title }) => title).join('; '))}</title>`,
    `<desc>${escape(charts.map(describe).join(' '))}</desc>`,
    `<style>${style}\n</style>`,
    `<rect class="back" x="0.5" y="0.5" width="${width - 1}" height="${height - 1}" rx="8"/>`,
    ...legend(colours, caption),
    ...panels.flat(),
    '</svg>\n',
  ].join('\n');
}

function legend(colours: ReadonlyMap<string, string>, caption: string): string[] {
  const y = margin.top + 12;
  let x: number = margin.side;
  const marks: string[] = [];
  for (const [name, colour] of colours) {
    marks.push(`<rect x="${x}" y="${y - 11}" width="12" height="12" rx="2" fill="${colour}"/>`);
    marks.push(`<text x="${x + 18}" y="${y}">${escape(name)}</text>`);
    // No font is at hand to measure with: 8 pixels a character is enough for this size.
    x += 18 + name.length * 8 + 16;
  }
  marks.push(`<text x="${width - margin.side}" y="${y}" text-anchor="end">${escape(caption)}</text>`);
  return marks;
}

interface Place {
  readonly top: number;
  readonly colours: ReadonlyMap<string, string>;
}

function drawPanel(chart: Chart, { top, colours }: Place): string[] {
  const { groups, title, format } = chart;
  const base = top + panel.head + panel.bars;
  const scale = scaleOf(chart);
  const each = (width - 2 * margin.side) / Math.max(1, groups.length);
  const most = Math.max(1, ...groups.map(({ bars }) => bars.length));
  const barWidth = Math.min(widestBar, (each * (1 - gapBetweenGroups)) / most);
  const parts = [`<text class="title" x="${margin.side}" y="${top + 16}">${escape(title)}</text>`];
  for (const [index, { label, bars }] of groups.entries()) {
    const middle = margin.side + (index + 0.5) * each;
    for (const [place, { name, value }] of bars.entries()) {
      const x = middle + (place - bars.length / 2) * barWidth;
      // The number above the highest bar needs room, too.
      const size = scale(value) * (panel.bars - 18);
      const box = `x="${round(x + 2)}" y="${round(base - size)}" width="${round(barWidth - 4)}" height="${round(size)}"`;
      parts.push(`<rect ${box} rx="2" fill="${colours.get(name) ?? ''}"/>`);
      const text = `x="${round(x + barWidth / 2)}" y="${round(base - size - 5)}" text-anchor="middle"`;
      parts.push(`<text class="value" ${text}>${escape(format(value))}</text>`);
    }
    parts.push(`<text x="${round(middle)}" y="${base + 20}" text-anchor="middle">${escape(label)}</text>`);
  }
  parts.push(
    `<line class="axis" x1="${margin.side}" x2="${width - margin.side}" y1="${base}" y2="${base}"/>`,
  );
  return parts;
}

/** Gives the height of a value's bar, from 0 to 1. */
function scaleOf({ groups, scale }: Chart): (value: number) => number {
  const values = groups.flatMap(({ bars }) => bars.map(({ value }) => value));
  const largest = Math.max(...values);
  if (scale === 'linear') return (value) => (largest > 0 ? value / largest : 0);
  // From the power of ten below the smallest value: a bar has no natural zero here.
  const low = Math.floor(Math.log10(Math.min(...values))) - 0.2;
  const span = Math.max(Math.log10(largest) - low, 1);
  return (value) => (Math.log10(value) - low) / span;
}

/** The same in words, for those who do not see it. */
function describe({ title, groups, format }: Chart): string {
  const group = ({ label, bars }: ChartGroup): string =>
    `${label}: ${bars.map(({ name, value }) => `${name} ${format(value)}`).join(', ')}`;
  return `${title}. ${groups.map(group).join('; ')}.`;
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}

function escape(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
