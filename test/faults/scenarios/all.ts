import type { Scenario } from '../support/scenario.ts';
import { clientFloods, eventFlood, fanOutFlood, queueFlood, slowConsumers } from './clients.ts';
import { logFlood, lyingAllocator, memoryHog, trapStorm } from './guests.ts';
import { clockJumps } from './machine.ts';
import { runaway } from './runaway.ts';
import { diskFull, quotaFull } from './storage.ts';

/** Every fault that a neighbour lives through. */
export const scenarios: readonly Scenario[] = [
  runaway,
  trapStorm,
  lyingAllocator,
  memoryHog,
  logFlood,
  eventFlood,
  fanOutFlood,
  queueFlood,
  slowConsumers,
  clientFloods,
  quotaFull,
  diskFull,
  clockJumps,
];
