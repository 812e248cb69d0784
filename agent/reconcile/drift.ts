/** What becomes of a value that Drover set and somebody else changed: healed, reported or adopted, as the profile says. */
import type { DriftPolicy, DriftSetting } from '../../proto/tuners/common.js';
import type { TunerSettings } from '../../proto/wire/tuner-settings.js';
import type { Knob } from '../tuners/tuner.js';

/**
 * The policy for one knob. By setting, the knob's whole name counts first, then its first word (`vcpu` covers
 * `vcpu 0 affinity`), then `*`; what is not named is healed. Pure.
 */
export function driftPolicy(
  settings: TunerSettings | undefined,
  { tuner, setting }: Pick<Knob, 'tuner' | 'setting'>,
): DriftPolicy {
  const own = settings?.[tuner] as { readonly drift?: DriftSetting } | undefined;
  if (typeof own?.drift !== 'object') return own?.drift ?? 'heal';
  return own.drift[setting] ?? own.drift[setting.split(' ')[0] as string] ?? own.drift['*'] ?? 'heal';
}

/** Most knobs whose settled value is kept in memory; as many as the ledger takes. */
export const maximumSettled = 65_536;

/**
 * The wanted value that each knob was last seen to have, by `knobKey`: another value under the same wish is drift. In
 * memory, for the words "somebody set it"; where policy hangs on it, the ledger holds it too. The oldest is forgotten first.
 */
export class Settled {
  readonly #values = new Map<string, string>();
  readonly #limit: number;

  constructor(limit = maximumSettled) {
    this.#limit = limit;
  }

  get size(): number {
    return this.#values.size;
  }

  has(key: string, value: string): boolean {
    return this.#values.get(key) === value;
  }

  note(key: string, value: string): void {
    if (this.has(key, value)) return;
    this.#values.set(key, value);
    if (this.#values.size <= this.#limit) return;
    const oldest = this.#values.keys().next().value;
    if (oldest !== undefined) this.#values.delete(oldest);
  }

  forget(key: string): void {
    this.#values.delete(key);
  }
}
