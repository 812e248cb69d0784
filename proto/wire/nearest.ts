/** The known word that a misspelt one was meant to be. Pure. */

/** Most letters that may be wrong, missing or too many. */
const mostWrong = 3;

/** The nearest of the known words; undefined: none is near. */
export function nearest(word: string, known: readonly string[]): string | undefined {
  const near = known.toSorted((a, b) => distance(word, a) - distance(word, b))[0];
  return near !== undefined && distance(word, near) <= mostWrong ? near : undefined;
}

/** Levenshtein distance, for short words. */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const change = (row[j - 1] as number) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(change, (row[j] as number) + 1, (next[j - 1] as number) + 1));
    }
    row = next;
  }
  return row[b.length] as number;
}
