import type { OpenLoad } from '../open-loop.ts';
import { milliseconds, rate } from './format.ts';
import type { Load } from './load.ts';
import { median } from './statistics.ts';

/** The median of each figure over all rounds, and every failure. */
export function middle(rounds: readonly (Load | OpenLoad)[]): Load {
  return {
    perSecond: of(rounds, 'perSecond'),
    p50: of(rounds, 'p50'),
    p99: of(rounds, 'p99'),
    refused: rounds.reduce((sum, { refused }) => sum + refused, 0),
    errors: rounds.reduce((sum, { errors }) => sum + errors, 0),
  };
}

/** The median of one figure over all rounds. */
export function of<K extends string>(rounds: readonly Readonly<Record<K, number>>[], key: K): number {
  return median(rounds.map((round) => round[key]));
}

/** Failures are added up, not averaged: one is one too many. */
export function failures(rounds: readonly (Load | OpenLoad)[]): number {
  return rounds.reduce((sum, { refused, errors }) => sum + refused + errors, 0);
}

/** A run as the table shows it. */
export function describeLoad({ perSecond, p50, p99, refused, errors }: Load | OpenLoad): string {
  const failed = refused + errors === 0 ? '' : `, ${refused} not 2xx, ${errors} failed`;
  return `${rate(perSecond)} req/s, p50 ${milliseconds(p50)}, p99 ${milliseconds(p99)}${failed}`;
}
