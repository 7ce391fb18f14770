/**
 * Guests reach the heap of the engine by exceptions: what one carries is kept there, and a reference to it can be
 * kept in a table. No limit of the linear memory counts that.
 */

/** Numbers that an exception carries. The engine keeps each of them as four words of eight bytes. */
const numbers = 500;
const bytesEach = numbers * 4 * 8;

const repeat = (text: string): string => Array.from({ length: numbers }, () => text).join(' ');

/**
 * Fields for the text of a guest: `$fill_heap` makes the engine keep so many bytes at least, and returns when they
 * are all there.
 */
export function heapFiller(bytes: number): string {
  const count = Math.ceil(bytes / bytesEach);
  return `
    (table $kept ${count} exnref)
    (tag $heavy (param ${repeat('i64')}))
    (func $throw_heavy (throw $heavy ${repeat('(i64.const -1)')}))
    (func $catch_heavy (result exnref)
      (block $caught (result exnref)
        (try_table (catch_all_ref $caught) (call $throw_heavy))
        (unreachable)))
    (func $fill_heap (local $index i32)
      (loop $next
        (table.set $kept (local.get $index) (call $catch_heavy))
        (local.set $index (i32.add (local.get $index) (i32.const 1)))
        (br_if $next (i32.lt_u (local.get $index) (i32.const ${count})))))`;
}
