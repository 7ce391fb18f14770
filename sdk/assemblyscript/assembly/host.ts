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

/** What a code means, for messages. */
export function codeText(code: u32): string {
  switch (code) {
    case 1: return "the input is empty";
    case 2: return "the pointer is outside memory";
    case 3: return "the host cannot decode it";
    case 4: return "the host refused it";
    case 99: return "the capability is not declared in the manifest";
    default: return "code " + code.toString();
  }
}
