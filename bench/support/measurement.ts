/** What a benchmark is asked for, and what it gives back. */

/** How a run goes about it. */
export interface Context {
  /** Shorter runs and fewer rounds: good for trying the harness, not for quoting figures. */
  readonly quick: boolean;
  /** Says on stderr what is going on, one line a call. */
  readonly log: (line: string) => void;
}

/** A figure that the project wants to reach, and whether this run did. */
export interface Goal {
  /** Such as `≥ 0.65 of the ceiling`. */
  readonly text: string;
  readonly met: boolean;
}

/** One line of the table. Figures are already text, each with its unit. */
export interface Row {
  readonly what: string;
  readonly measured: string;
  /** What was measured in the same run for comparison, with its name. */
  readonly beside?: string;
  /** The figure that matters divided by the one beside it. */
  readonly ratio?: number;
  readonly goals?: readonly Goal[];
  /** What the original host in Go is published with. It was not measured here. */
  readonly original?: string;
}

/** A group of bars that stand side by side. */
export interface ChartGroup {
  readonly label: string;
  readonly bars: readonly { readonly name: string; readonly value: number }[];
}

/** One panel of the plot. Groups may lack bars that others have. */
export interface Chart {
  readonly title: string;
  /** How a bar's value is written above it. */
  readonly format: (value: number) => string;
  /** `log` where values differ by orders of magnitude. Then all values MUST be positive. */
  readonly scale: 'linear' | 'log';
  readonly groups: readonly ChartGroup[];
}

export interface Result {
  readonly rows: readonly Row[];
  /** What a reader must know besides, such as what was skipped and why. */
  readonly notes: readonly string[];
  readonly chart?: Chart;
  /** Every single figure, for `results.json`. It MUST NOT hold paths of the machine. */
  readonly raw: unknown;
}

export interface Benchmark {
  /** The word for `--only`. */
  readonly name: string;
  /** One line of help. */
  readonly about: string;
  readonly run: (context: Context) => Promise<Result>;
}
