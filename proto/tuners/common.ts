/** What the settings of several tuners share. */
import { z } from 'zod';
import { knobWords } from './knob-words.js';

export const cpuList = z.string().max(1024);
export const uint32 = z.int().min(0).max(4_294_967_295);

/** Bytes or operations a second; 0 lifts the limit, as in the kernel's throttle files. */
export const rate = z
  .int()
  .min(0)
  .max(2 ** 50);

export const override = z
  .boolean()
  .optional()
  .describe('true: also where the domain carries its own setting in its XML');

/** What becomes of a value that Drover set and somebody else changed. */
export const driftPolicies = ['heal', 'report', 'adopt'] as const;
export type DriftPolicy = (typeof driftPolicies)[number];

const policy = z.enum(driftPolicies);

const drift = z
  .union([policy, z.record(z.string().min(1).max(64), policy)], {
    error: 'heal, report or adopt, or one of them by setting',
  })
  .optional();

export type DriftSetting = z.infer<typeof drift>;

/**
 * Keys that every tuner takes. `drift`: one word for all its settings, or a word by setting (`run: report`; the name
 * before the first space counts, so `vcpu` covers `vcpu 0 affinity`; `*`: the others). Absent: heal.
 */
export function common(tuner: keyof typeof knobWords) {
  return { drift: drift.superRefine((given, { addIssue }) => namesKnobs(tuner, given, addIssue)) };
}

/** A policy for a setting that a tuner does not have would never count: a slip of the pen is said. */
function namesKnobs(
  tuner: keyof typeof knobWords,
  given: DriftSetting,
  addIssue: (issue: { code: 'custom'; path: string[]; message: string }) => void,
): void {
  const words: readonly string[] | undefined = knobWords[tuner];
  if (!words || typeof given !== 'object') return;
  for (const name of Object.keys(given)) {
    if (name === '*' || words.includes(name.split(' ', 1)[0] as string)) continue;
    addIssue({
      code: 'custom',
      path: [name],
      message: `a setting that ${tuner} has: ${words.join(', ')}; or * for the others`,
    });
  }
}
