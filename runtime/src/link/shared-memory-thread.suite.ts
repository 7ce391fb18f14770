import { Bell } from './bell.ts';
import type { ThreadLink } from './link.ts';
import { SharedMemoryThread, type ThreadEndpoint } from './shared-memory.ts';

/** For the carrier suite: the thread's end of a link in shared memory. */
export function connect(endpoint: ThreadEndpoint): ThreadLink {
  return new SharedMemoryThread(endpoint, new Bell(endpoint.edgeBell));
}
