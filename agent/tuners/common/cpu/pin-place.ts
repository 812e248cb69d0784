/** What can be had of a set of CPUs that threads of a domain should run on, and what is to be said about it. Pure. */
import { formatCpuSet, intersectCpus, parseCpuSet } from '../../../../proto/wire/cpu-set.js';
import type { HostView } from '../../tuner.js';
import { boundsText } from './pin-bounds.js';
import type { PinContext, PinDomain } from './pin-domains.js';

/** A set of CPUs as it can be had. */
export interface Place {
  readonly cpus: readonly number[] | undefined;
  readonly value: string;
  readonly held?: string;
  readonly remark?: string;
}

/** What the group above the domain leaves of a set; undefined `asked`: no CPU of its own is left for the emulator. */
export function describePlace(
  context: PinContext,
  { readings }: PinDomain,
  asked: readonly number[] | undefined,
): Place {
  const none = { cpus: undefined, value: '' };
  if (!asked)
    return {
      ...none,
      held: 'no dedicated CPU is left for its emulator (hw:emulator_threads_policy isolate)',
    };
  const bounds = readings[0]?.bounds;
  const cpus = bounds ? intersectCpus(asked, bounds.cpus) : asked;
  const cut = bounds && cpus.length < new Set(asked).size ? boundsText(bounds) : undefined;
  if (cpus.length === 0 && cut !== undefined)
    return { ...none, held: `none of CPUs ${formatCpuSet(asked)} can be had: ${cut}` };
  const remark = cut === undefined ? isolatedRemark(context, cpus) : `of CPUs ${formatCpuSet(asked)}: ${cut}`;
  return { cpus, value: formatCpuSet(cpus), ...(remark !== undefined && { remark }) };
}

/** Between isolated CPUs the scheduler moves nothing: threads pile up where they woke. */
function isolatedRemark({ host }: PinContext, cpus: readonly number[]): string | undefined {
  if (cpus.length < 2) return undefined;
  const isolated = intersectCpus(cpus, isolatedCpus(host));
  if (isolated.length === 0) return undefined;
  return `CPUs ${formatCpuSet(isolated)} are isolated (isolcpus): the scheduler balances no threads over them`;
}

function isolatedCpus({ facts }: HostView): number[] {
  return parseCpuSet(facts.cpu?.isolated ?? '');
}
