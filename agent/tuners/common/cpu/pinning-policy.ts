/** How the vCPUs of a domain are to sit, from its extra specs (nova/virt/hardware.py's rules) and the profile's defaults. */
import { parseCpuSet } from '../../../../proto/wire/cpu-set.js';
import { asDroverError } from '../../../../proto/wire/errors.js';
import type { VcpuPinningSettings } from '../../../../proto/wire/tuner-settings.js';
import { emulatorPolicies } from '../../../../proto/tuners/vcpu-pinning.js';
import type { DomainView } from '../../../libvirt/hypervisor.js';
import { specNumber, specWord } from '../specs.js';

export const threadPolicies = ['prefer', 'isolate', 'require'] as const;
export type ThreadPolicy = (typeof threadPolicies)[number];

export interface PinningPolicy {
  /** vCPUs with a pCPU of their own, ascending; none: the domain is shared. */
  readonly own: readonly number[];
  readonly threads: ThreadPolicy;
  /** `own`: on the CPUs of the domain's vCPUs, as Nova does it where no policy is given. */
  readonly emulator: (typeof emulatorPolicies)[number] | 'own';
  /** Most NUMA cells that the domain may spread over. */
  readonly maximumCells: number;
}

type Fault = { readonly fault: string };

/** Guests with more cells than any host has are a mistake of the flavor. */
const maximumGuestCells = 64;

/**
 * The policy of a domain with these vCPUs (ascending). `fault`: a spec that is wrong, in words with its value. The specs
 * of threads and emulator mean nothing to a shared domain and are not looked at there.
 */
export function pinningPolicy(
  view: Pick<DomainView, 'specs'>,
  vcpus: readonly number[],
  settings: VcpuPinningSettings,
): PinningPolicy | Fault {
  const cpus = specWord(view, 'hw:cpu_policy', ['dedicated', 'shared', 'mixed']);
  if (cpus && 'fault' in cpus) return cpus;
  const kind = cpus?.value ?? settings.cpu_policy ?? 'shared';
  const own = kind === 'mixed' ? maskedVcpus(view, vcpus) : kind === 'dedicated' ? vcpus : [];
  if ('fault' in own) return own;
  if (own.length === 0) return { own, threads: 'prefer', emulator: 'own', maximumCells: 1 };
  const threads = specWord(view, 'hw:cpu_thread_policy', threadPolicies);
  if (threads && 'fault' in threads) return threads;
  const emulator = specWord(view, 'hw:emulator_threads_policy', emulatorPolicies);
  if (emulator && 'fault' in emulator) return emulator;
  const cells = specNumber(view, 'hw:numa_nodes', 1, maximumGuestCells);
  if (cells && 'fault' in cells) return cells;
  return {
    own,
    threads: threads?.value ?? 'prefer',
    emulator: emulator?.value ?? settings.emulator_threads_policy ?? 'own',
    maximumCells: cells?.value ?? 1,
  };
}

/** vCPUs of `hw:cpu_dedicated_mask`. A mask that begins with ^ takes out of all vCPUs, as Nova reads it. */
function maskedVcpus(
  { specs }: Pick<DomainView, 'specs'>,
  vcpus: readonly number[],
): readonly number[] | Fault {
  const name = 'hw:cpu_dedicated_mask';
  const text = specs[name]?.trim();
  if (text === undefined || text === '') return { fault: `hw:cpu_policy is mixed; want ${name}` };
  const last = vcpus.at(-1) ?? 0;
  try {
    const own = parseCpuSet(text.startsWith('^') ? `0-${last},${text}` : text, name);
    const cure = `want some of the vCPUs 0-${last}, not all`;
    if (own.length === 0 || own.some((vcpu) => !vcpus.includes(vcpu)) || own.length === vcpus.length)
      return { fault: `extra spec ${name} is ${text}; ${cure}` };
    return own;
  } catch (thrown) {
    return { fault: `extra spec ${name} is ${text}: ${asDroverError(thrown).message}` };
  }
}
