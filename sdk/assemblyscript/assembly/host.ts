/**
 * Host imports of the module `pulp` that the SDK itself calls. They return 0 or a code of the contract.
 * The compiler leaves out those that a plugin never reaches.
 */

/** Claims a route: msgpack `{method, path}`. 4: refused; 99: `transport.http.inbound` is not declared. */
@external("pulp", "http_register")
export declare function httpRegister(pointer: usize, length: usize): u32;

/** Answers a request at once: msgpack `{id, status, headers, body}`. 4: nobody waits for that id. */
@external("pulp", "http_respond")
export declare function httpRespond(pointer: usize, length: usize): u32;

/** Claims a WebSocket path, given as its bytes. 4: refused. */
@external("pulp", "ws_register")
export declare function wsRegister(pointer: usize, length: usize): u32;

/** Sends a frame: msgpack `{conn_id, opcode, payload}`. 4: no such connection. */
@external("pulp", "ws_send")
export declare function wsSend(pointer: usize, length: usize): u32;

/** Begins the closing of a connection: msgpack `{conn_id, code, reason}`. 4: no such connection, or not a code. */
@external("pulp", "ws_close")
export declare function wsClose(pointer: usize, length: usize): u32;

/** Claims a path for server-sent events, given as its bytes. 4: refused. */
@external("pulp", "sse_register")
export declare function sseRegister(pointer: usize, length: usize): u32;

/** Sends an event to all subscribers of a path: msgpack `{path, id, event, data}`. 4: the path is not registered. */
@external("pulp", "sse_emit")
export declare function sseEmit(pointer: usize, length: usize): u32;

/** Sends an event to one subscriber: msgpack `{sub_id, id, event, data}`. 4: no such subscriber. */
@external("pulp", "sse_send")
export declare function sseSend(pointer: usize, length: usize): u32;

/** Makes a request: msgpack `{method, url, headers, body, timeout}`. It waits; whoever imports it can be suspended. */
@external("pulp", "http_fetch")
export declare function httpFetch(pointer: usize, length: usize, pointerOut: usize, lengthOut: usize): u32;

@external("pulp", "fs_read")
export declare function fsRead(path: usize, pathLength: usize, pointerOut: usize, lengthOut: usize): u32;

@external("pulp", "fs_write")
export declare function fsWrite(path: usize, pathLength: usize, data: usize, length: usize): u32;

@external("pulp", "fs_append")
export declare function fsAppend(path: usize, pathLength: usize, data: usize, length: usize): u32;

@external("pulp", "fs_delete")
export declare function fsDelete(path: usize, pathLength: usize): u32;

@external("pulp", "fs_list")
export declare function fsList(path: usize, pathLength: usize, pointerOut: usize, lengthOut: usize): u32;

/** Msgpack `{path}` gives `{name, size, mod_time_ns, mode, is_dir}`. */
@external("pulp", "fs_stat")
export declare function fsStat(pointer: usize, length: usize, pointerOut: usize, lengthOut: usize): u32;

/** Msgpack `{old, new}`. */
@external("pulp", "fs_rename")
export declare function fsRename(pointer: usize, length: usize): u32;

@external("pulp", "fs_remove_all")
export declare function fsRemoveAll(path: usize, pathLength: usize): u32;

/** Msgpack `{path, mode}`. */
@external("pulp", "fs_mkdir_all")
export declare function fsMkdirAll(pointer: usize, length: usize): u32;

/** Msgpack `{path, mode}`. */
@external("pulp", "fs_chmod")
export declare function fsChmod(pointer: usize, length: usize): u32;

/** Msgpack `{dir, pattern}` gives `{path}`. */
@external("pulp", "fs_create_temp")
export declare function fsCreateTemp(pointer: usize, length: usize, pointerOut: usize, lengthOut: usize): u32;

/** Msgpack `{dir, pattern}` gives `{path}`. */
@external("pulp", "fs_mkdir_temp")
export declare function fsMkdirTemp(pointer: usize, length: usize, pointerOut: usize, lengthOut: usize): u32;

/** Runs statements; gives msgpack `{rows_affected, last_insert_id}`. The host goes by the six parameters. */
@external("pulp", "sqlite_exec")
export declare function sqliteExec(
  query: usize, queryLength: usize, parameters: usize, parametersLength: usize, pointerOut: usize, lengthOut: usize,
): u32;

/** Runs statements; gives msgpack `{columns, rows}` of the last one. */
@external("pulp", "sqlite_query")
export declare function sqliteQuery(
  query: usize, queryLength: usize, parameters: usize, parametersLength: usize, pointerOut: usize, lengthOut: usize,
): u32;

/** The text of the last SQL error; none: no bytes. */
@external("pulp", "sqlite_error")
export declare function sqliteError(pointerOut: usize, lengthOut: usize): u32;

/** What a code means, for messages. */
export function codeText(code: u32): string {
  switch (code) {
    case 1: return "the input is empty";
    case 2: return "the pointer is outside memory";
    case 3: return "the host cannot decode it";
    case 4: return "the host refused it";
    case 7: return "there is no memory for the result";
    case 99: return "the capability is not declared in the manifest";
    default: return "code " + code.toString();
  }
}
