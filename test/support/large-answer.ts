import { mapHeader, str } from './msgpack-bytes.ts';
import type { Action } from './wat-guest.ts';

/** Where the answer is put together: far behind everything else that a guest for tests has. */
const at = 2 * 1024 * 1024;
const pageBytes = 65_536;
/** Bytes of an id as the host writes it. */
const idBytes = 9;

/**
 * Answers a request of any kind with so many zero bytes, and notes the code. Only the guest's memory has them:
 * a body as constant data would make a module of the same size.
 */
export function respondLarge(bytes: number): Action {
  const before = Buffer.concat([mapHeader(2), str('id')]);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(bytes);
  const behind = Buffer.concat([str('body'), Buffer.from([0xc6]), length]);
  const size = before.length + idBytes + behind.length + bytes;
  const pages = Math.ceil((at + size) / pageBytes);
  return (data) => `
    (if (i32.lt_u (memory.size) (i32.const ${pages})) (then
      (drop (memory.grow (i32.sub (i32.const ${pages}) (memory.size))))))
    (drop (call $put
      (call $put (call $put (i32.const ${at}) ${data.add(before)}) (global.get $id) (i32.const ${idBytes}))
      ${data.add(behind)}))
    (call $note (call $http_respond (i32.const ${at}) (i32.const ${size})))`;
}
