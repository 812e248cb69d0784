/** Other programs that write the same knobs. While one is active, its knobs are held: two writers would fight for ever. */
import type { TunerName } from '../../proto/wire/tuner-settings.js';

/** systemd unit to the tuners whose knobs it writes. */
const owners: Readonly<Record<string, readonly TunerName[]>> = {
  // Starts and stops KSM and sets pages_to_scan by free memory.
  'ksmtuned.service': ['ksm'],
  // Its vm plugin sets transparent hugepages in most profiles.
  'tuned.service': ['transparent-hugepages'],
  // Moves processes, QEMU's among them, to the CPUs of one NUMA cell.
  'numad.service': ['vcpu-pinning'],
};

const activeStates = new Set(['active', 'activating', 'reloading']);

/** Tuner to the unit that owns its knobs, by tuner name. */
export type Owners = Partial<Record<TunerName, string | undefined>>;

/** Which tuners another program owns, from systemd units and their ActiveState (`HostFacts.services`). Pure. */
export function ownersOf(services: Readonly<Record<string, string>>): Owners {
  const owned: Owners = {};
  for (const [unit, tuners] of Object.entries(owners)) {
    if (activeStates.has(services[unit] ?? '')) for (const tuner of tuners) owned[tuner] ??= unit;
  }
  return owned;
}
