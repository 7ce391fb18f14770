import { STDERR, write } from './wasi';

/** Longest message and file name that are written, in UTF-16 units. */
const MAX_UNITS: i32 = 300;

/** Room for both at three bytes a unit, and for what stands around them. */
const BUFFER = memory.data(2048);

/**
 * What `throw`, a failed `assert`, and every runtime check end in; asc is told so by `--use abort=…`. Writes
 * one line to stderr; the compiler puts a trap behind the call. It allocates nothing, since the heap may be
 * what is broken.
 */
export function abort(message: string | null, fileName: string | null, line: u32, column: u32): void {
  let end = append(BUFFER, "fatal: ");
  end = append(end, message !== null ? message : "aborted");
  end = append(end, " at ");
  end = append(end, fileName !== null ? fileName : "?");
  store<u8>(end++, 0x3a);
  end = appendNumber(end, line);
  store<u8>(end++, 0x3a);
  end = appendNumber(end, column);
  store<u8>(end++, 0x0a);
  write(STDERR, BUFFER, end - BUFFER);
}

function append(to: usize, text: string): usize {
  const units = min(text.length, MAX_UNITS);
  const end = to + String.UTF8.encodeUnsafe(changetype<usize>(text), units, to, false, String.UTF8.ErrorMode.REPLACE);
  // One call, one line, whatever the message holds.
  for (let at = to; at < end; at++) if (load<u8>(at) == 0x0a) store<u8>(at, 0x20);
  return end;
}

function appendNumber(to: usize, value: u32): usize {
  if (value >= 10) to = appendNumber(to, value / 10);
  store<u8>(to, u8(0x30 + (value % 10)));
  return to + 1;
}
