/**
 * The structs that guests send to host imports (contract sections 4 and 5), each as its decoder: bytes of the
 * guest in, fields out, a Failure with code 3 for anything else. Field names are those on the wire. Byte
 * fields are views of the input, text is binary strings, and nothing but the form was checked.
 */
import { field } from './field.ts';
import { struct } from './struct.ts';

/** `http_respond`: what the client gets. Status 0 means 200. Older guests know no `cookies`. */
export const decodeHttpResponse = struct(
  {
    id: field.uint(),
    status: field.int(),
    headers: field.headers(),
    body: field.bytes(),
    cookies: field.texts(),
  },
  { name: 'HTTPResponse', arrayLengths: [4, 5] },
);

/**
 * `http_fetch`. An empty method means GET; `timeout` is in nanoseconds, 0 the default. Older guests know no
 * `timeout`.
 */
export const decodeHttpFetchRequest = struct(
  {
    method: field.text(),
    url: field.text(),
    headers: field.headers(),
    body: field.bytes(),
    timeout: field.int(),
  },
  { name: 'HTTPFetchRequest', arrayLengths: [4, 5] },
);

/** `http_register`: a method and a pattern. */
export const decodeRoute = struct({ method: field.text(), path: field.text() }, { name: 'http_register' });

/** `ws_send`: opcode 1 is text, 2 is binary. */
export const decodeWsSend = struct(
  { conn_id: field.uint(), opcode: field.int(), payload: field.bytes() },
  { name: 'ws_send' },
);

/** `ws_close`: code 0 means 1000. */
export const decodeWsClose = struct(
  { conn_id: field.uint(), code: field.int(), reason: field.text() },
  { name: 'ws_close' },
);

/** `sse_emit`: an empty `id` or `event` is none. */
export const decodeSseEmit = struct(
  { path: field.text(), id: field.text(), event: field.text(), data: field.text() },
  { name: 'sse_emit' },
);

/** `fs_write` with six parameters: permission bits for a new file. */
export const decodeFsWriteOptions = struct({ mode: field.uint() }, { name: 'fs_write options' });

/** `fs_stat`. */
export const decodeFsPath = struct({ path: field.text() }, { name: 'fs_stat' });

/** `fs_rename`. */
export const decodeFsRename = struct({ old: field.text(), new: field.text() }, { name: 'fs_rename' });

/** `fs_mkdir_all` and `fs_chmod`. */
export const decodeFsPathMode = struct(
  { path: field.text(), mode: field.uint() },
  { name: 'fs path and mode' },
);

/** `fs_create_temp` and `fs_mkdir_temp`. */
export const decodeFsTemp = struct(
  { dir: field.text(), pattern: field.text() },
  { name: 'fs temporary name' },
);
