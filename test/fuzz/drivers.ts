import { codecDriver } from './codec.ts';
import type { Driver } from './driver.ts';
import { edgeDriver } from './edge.ts';
import { importsDriver } from './imports.ts';

/** What is fuzzed: how to make each driver, and its share of the cases. Connections cost the most by far. */
export const drivers: Readonly<
  Record<string, { readonly share: number; readonly make: () => Promise<Driver> }>
> = {
  codec: { share: 0.55, make: () => Promise.resolve(codecDriver()) },
  imports: { share: 0.4, make: importsDriver },
  edge: { share: 0.05, make: edgeDriver },
};
