/** Figures as the table and the plot show them: three digits that count, then the unit. */

const grouped = new Intl.NumberFormat('en-US', { maximumFractionDigits: 0 });

/** Three significant digits, without an exponent: `0.162`, `6.24`, `1,280`. `n/a` when there is no number. */
export function figure(value: number): string {
  if (!Number.isFinite(value)) return 'n/a';
  if (Math.abs(value) >= 100) return grouped.format(value);
  return value === 0 ? '0' : String(Number(value.toPrecision(3)));
}

/** Events a second, to the nearest ten from 1,000 on: the digits below are noise. */
export function rate(perSecond: number): string {
  return grouped.format(perSecond >= 1000 ? Math.round(perSecond / 10) * 10 : perSecond);
}

/** A time given in nanoseconds, in the unit that fits. */
export function nanoseconds(value: number): string {
  if (value < 1000) return `${figure(value)} ns`;
  return value < 1e6 ? `${figure(value / 1000)} µs` : `${figure(value / 1e6)} ms`;
}

/** A time given in milliseconds. */
export function milliseconds(value: number): string {
  return `${figure(value)} ms`;
}

/** A size given in bytes, in megabytes of 1,000,000 bytes. */
export function megabytes(bytes: number): string {
  return `${figure(bytes / 1e6)} MB`;
}
