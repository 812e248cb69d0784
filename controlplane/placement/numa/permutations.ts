/** Ordered choices of some of several things, in the order of their positions, with whole branches left out. */

/**
 * Moves `choice` (positions below `size`, each once) to the next one that differs at `depth` or before it. False at the end.
 */
export function nextChoice(choice: number[], size: number, depth: number): boolean {
  for (let place = depth; place >= 0; place--) {
    const next = unused(choice, place, (choice[place] as number) + 1, size);
    if (next === undefined) continue;
    choice[place] = next;
    for (let after = place + 1; after < choice.length; after++)
      choice[after] = unused(choice, after, 0, size) as number;
    return true;
  }
  return false;
}

/** The lowest position from `from` that stands nowhere before `place`. */
function unused(choice: readonly number[], place: number, from: number, size: number): number | undefined {
  for (let position = from; position < size; position++) {
    const at = choice.indexOf(position);
    if (at < 0 || at >= place) return position;
  }
  return undefined;
}
