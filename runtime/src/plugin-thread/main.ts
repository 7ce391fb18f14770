/** The entry of a plugin thread where modules are files: it imports those of the extensions by their URLs. */
import { workerData } from 'node:worker_threads';
import { importExtension } from '../capabilities/import-extension.ts';
import type { ThreadData } from './protocol.ts';
import { runThread } from './thread.ts';

const data = workerData as ThreadData;
await runThread(data, await Promise.all(data.extensions.map(importExtension)));
