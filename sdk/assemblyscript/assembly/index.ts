/**
 * The Pulp SDK for AssemblyScript: everything a plugin imports.
 *
 * A plugin calls `onInit`, `onTick`, `get`, `post` and their like at the top level of its `index.ts`; the SDK
 * exports what the host calls and decodes what it sends. The compiler leaves out what a plugin does not reach,
 * host imports included.
 */
export { config } from './config';
export { ConnectionRequest } from './connection-request';
export { ExecResult, database } from './database';
export { onEvent } from './event';
export { EventStream, events } from './event-stream';
export { escapeHTML, quoteJSON } from './escape';
export { Fetch, fetch } from './fetch';
export { FileEntry, FileInfo } from './file-info';
export { files } from './files';
export { callNumber, failInit, onInit, onShutdown, onTick, wallTime } from './lifecycle';
export { hostResult } from './host-result';
export { log } from './log';
export { MapView } from './map-view';
export { Parameters, bind } from './parameters';
export { Kind, Reader } from './reader';
export { Reply } from './reply';
export { Request } from './request';
export { Response } from './response';
export { del, get, post, put, route } from './route';
export { Row, Rows } from './rows';
export { Message, Socket } from './socket';
export { Subscriber } from './subscriber';
export { WebSocketRoute, websocket } from './websocket';
export { Writer } from './writer';
