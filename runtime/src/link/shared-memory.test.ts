import { Bell } from './bell.ts';
import { carrierSuite } from './carrier.suite.ts';
import { linkThreads } from './shared-memory.ts';

carrierSuite('shared memory', () => {
  const { edge, endpoint, transfer } = linkThreads({ thread: new Bell(), edge: new Bell() });
  const module = new URL('shared-memory-thread.suite.ts', import.meta.url).href;
  return { edge, module, data: endpoint, transfer };
});
