/**
 * The word of `known` that was probably meant by `word`: the one with the fewest edits (a letter more, less
 * or changed, or two neighbours swapped), if these are at most a third of its length. Letter case does not
 * count. Undefined when nothing is near enough; of equally near words the first.
 */
export function suggest(word: string, known: Iterable<string>): string | undefined {
  const wanted = word.toLowerCase();
  let best: string | undefined;
  let fewest = Infinity;
  for (const candidate of known) {
    const longer = Math.max(wanted.length, candidate.length);
    const limit = Math.max(1, Math.floor(longer / 3));
    // Bounds the work as well: a key of a megabyte is compared with nothing.
    if (Math.abs(wanted.length - candidate.length) > limit) continue;
    const edits = distance(wanted, candidate.toLowerCase());
    // A word that has no letter in common is not meant, however short.
    if (edits <= limit && edits < longer && edits < fewest) {
      fewest = edits;
      best = candidate;
    }
  }
  return best;
}

/** Optimal string alignment distance: Levenshtein's, with a swap of neighbours as one edit. */
function distance(from: string, to: string): number {
  let beforeLast: number[] = [];
  let last = Array.from({ length: to.length + 1 }, (_, index) => index);
  for (let row = 1; row <= from.length; row++) {
    const current = [row];
    for (let column = 1; column <= to.length; column++) {
      const same = from[row - 1] === to[column - 1];
      let edits = Math.min(
        at(last, column) + 1,
        at(current, column - 1) + 1,
        at(last, column - 1) + (same ? 0 : 1),
      );
      const swapped =
        row > 1 && column > 1 && from[row - 1] === to[column - 2] && from[row - 2] === to[column - 1];
      if (swapped) edits = Math.min(edits, at(beforeLast, column - 2) + 1);
      current.push(edits);
    }
    beforeLast = last;
    last = current;
  }
  return at(last, to.length);
}

function at(row: readonly number[], column: number): number {
  return row[column] ?? Infinity;
}
