/**
 * The Pulp SDK for AssemblyScript: everything a plugin imports.
 *
 * A plugin calls `onInit`, `onTick`, `get`, `post` and their like at the top level of its `index.ts`; the SDK
 * exports what the host calls and decodes what it sends.
 */
export { config } from './config';
export { onEvent } from './event';
export { escapeHTML, quoteJSON } from './escape';
export { callNumber, failInit, onInit, onShutdown, onTick, wallTime } from './lifecycle';
export { log } from './log';
export { MapView } from './map-view';
export { Kind, Reader } from './reader';
export { Request } from './request';
export { Response } from './response';
export { del, get, post, put, route } from './route';
export { Writer } from './writer';
