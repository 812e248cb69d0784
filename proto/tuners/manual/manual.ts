/** The shape of a tuner's manual: what `drover explain tuner` prints and docs/reference/tuners/ is made from. */
import type { TunerName } from '../../wire/tuner-settings.js';

export interface ManualSetting {
  /** Key in the profile. */
  readonly name: string;
  /** What it does, one sentence. */
  readonly what: string;
  /** Values that it takes, with units. */
  readonly values: string;
  /** What is in force where nobody set it: the kernel's or libvirt's own default. */
  readonly default: string;
  /** Kernel file or libvirt call that is written. */
  readonly writes: string;
  /** First version that has it: `Linux 3.2`, `libvirt 0.9.10`. */
  readonly since: string;
  readonly effect: 'now' | 'domain-restart' | 'host-reboot';
}

export interface TunerManual {
  readonly name: TunerName;
  /** One line. */
  readonly summary: string;
  readonly settings: readonly ManualSetting[];
  /** Extra specs of flavors that it obeys, with what each becomes. */
  readonly extraSpecs?: readonly { readonly name: string; readonly becomes: string }[];
  /** Knob names as plans show them. */
  readonly knobs: readonly string[];
  /** Where the value is read from, and what shows the effect. */
  readonly verify: string;
  readonly undo: string;
  /** What it refuses, what it cannot do, and traps. */
  readonly limits: readonly string[];
  /** Other programs that write the same. */
  readonly owners: readonly string[];
  /** Kernel or libvirt documents, with the version that was read. */
  readonly sources: readonly string[];
  /** A piece of profile that stands below `tuners:`. */
  readonly example: string;
}
