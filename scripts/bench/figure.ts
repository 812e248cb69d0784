/** A measured figure: one JSON line on stdout, under a name that stays. */

export interface Figure {
  readonly name: string;
  readonly value: number;
  readonly unit: string;
}

/** Prints a figure with at most three decimals. */
export function print({ name, value, unit }: Figure): void {
  process.stdout.write(`${JSON.stringify({ name, value: Math.round(value * 1000) / 1000, unit })}\n`);
}

/** The value below which `share` (0..1) of the samples lie. Errors: a plain `Error` for no samples. */
export function quantile(samples: readonly number[], share: number): number {
  if (samples.length === 0) throw new Error('no samples');
  const sorted = [...samples].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.ceil(sorted.length * share) - 1)] as number;
}
