/** The little of WASI preview 1 that the SDK uses. */

@external("wasi_snapshot_preview1", "fd_write")
declare function fdWrite(fd: u32, vectors: usize, count: u32, written: usize): u32;

@external("wasi_snapshot_preview1", "random_get")
declare function randomGet(pointer: usize, length: usize): u32;

export const STDOUT: u32 = 1;
export const STDERR: u32 = 2;

/** One I/O vector (pointer, length), and behind it the count that `fd_write` fills in. */
const VECTOR = memory.data(12);

/**
 * Writes all bytes to stdout or stderr. What cannot be written is dropped: a plugin must not fail because
 * nobody reads its log.
 */
export function write(fd: u32, pointer: usize, length: usize): void {
  while (length > 0) {
    store<u32>(VECTOR, pointer);
    store<u32>(VECTOR, length, 4);
    if (fdWrite(fd, VECTOR, 1, VECTOR + 8) != 0) return;
    const written = min<usize>(load<u32>(VECTOR, 8), length);
    if (written == 0) return;
    pointer += written;
    length -= written;
  }
}

/** Where `Math.random` gets its first state from; asc is told so by `--use seed=…`. */
export function seed(): f64 {
  randomGet(VECTOR, 8);
  return load<f64>(VECTOR);
}
