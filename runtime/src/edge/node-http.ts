/**
 * What is used of `node:http` at run time. A module that imports that by name gets all of its exports, and one of them
 * loads the client that is behind `fetch`: 30 ms of each start.
 */
export const { createServer, METHODS, request, ServerResponse } = process.getBuiltinModule('node:http');
