import { escapeUnprintable } from '../log/escape.ts';
import { suggest } from './nearest.ts';
import { keyOf } from './shown.ts';

/** One thing that is wrong with a manifest. */
export interface Problem {
  /** The dotted key it is about, quoted where TOML needs it; empty when it is about the text as a whole. */
  readonly key: string;
  /** What is wrong, and what to do about it. Safe to print: nothing in it can drive a terminal. */
  readonly reason: string;
  /** What was probably meant. */
  readonly suggestion?: string;
}

/** So many problems are in the message; {@link ManifestError.problems} has all of them. */
const maxShown = 50;

/** A manifest that cannot be used: always its author's fault, never the host's. It has every problem at once. */
export class ManifestError extends Error {
  /** The manifest, as the caller named it. */
  readonly file: string;
  /** At least one. */
  readonly problems: readonly Problem[];

  /** The message is one line for one problem, otherwise a heading and a line for each. */
  constructor(file: string, problems: readonly Problem[], options?: ErrorOptions) {
    super(describe(file, problems), options);
    this.name = 'ManifestError';
    this.file = file;
    this.problems = problems;
  }
}

/** Where a suggestion comes from. */
export interface Near {
  readonly word: string;
  readonly known: Iterable<string>;
  /** Tables that the suggestion is shown with, when the word is a key inside them; none unless given. */
  readonly path?: readonly string[];
}

/** Problems as they are found, so that one run reports all of them. */
export class ProblemList {
  readonly #problems: Problem[] = [];

  /** In the order in which they were added. */
  get all(): readonly Problem[] {
    return this.#problems;
  }

  /** @param reason MUST NOT hold text of the manifest other than through {@link shown}. */
  add(key: string, reason: string, suggestion?: string): void {
    this.#problems.push(Object.freeze({ key, reason, ...(suggestion !== undefined && { suggestion }) }));
  }

  /**
   * As {@link add}, suggesting the nearest of the known words if one is near enough. Only problems that the
   * message will show get a suggestion: for tens of thousands of unknown keys the search takes seconds.
   */
  addNear(key: string, reason: string, { word, known, path = [] }: Near): void {
    const near = this.#problems.length < maxShown ? suggest(word, known) : undefined;
    this.add(key, reason, near !== undefined && path.length > 0 ? keyOf([...path, near]) : near);
  }
}

function describe(file: string, problems: readonly Problem[]): string {
  const lines = problems.slice(0, maxShown).map(describeProblem);
  const [only] = lines;
  const where = escapeUnprintable(file);
  if (lines.length === 1 && only !== undefined) return `${where}: ${only}`;
  if (problems.length > lines.length) lines.push(`and ${problems.length - lines.length} more`);
  return [`${where}: ${problems.length} problems`, ...lines].join('\n  ');
}

function describeProblem({ key, reason, suggestion }: Problem): string {
  const hint = suggestion === undefined ? '' : ` (did you mean ${suggestion}?)`;
  return `${key === '' ? '' : `${key}: `}${reason}${hint}`;
}
