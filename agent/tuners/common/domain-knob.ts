/** What tuners of domains share: how a knob names its domain, and whether that very start of the domain still runs. */
import { derived } from '../../kernel/derived.js';
import type { KernelRoot } from '../../kernel/root.js';
import { startTicks } from '../../kernel/procfs.js';
import type { DomainView } from '../../libvirt/hypervisor.js';
import type { KnobDomain, TunerPorts } from '../tuner.js';

/** Stands where a domain's process is not known; no process ever matches it. */
const unknownIncarnation = 'unknown';

/**
 * A domain as its knobs name it. The incarnation is QEMU's pid with its start time in clock ticks since boot: unlike
 * libvirt's id it never comes again in one boot, not even when libvirtd loses its counter.
 */
export function knobDomain(kernel: KernelRoot, { uuid, name, pid, id }: DomainView): KnobDomain {
  return derived(kernel, `domain ${uuid} ${pid} ${id}`, () => {
    const ticks = pid === undefined ? undefined : startTicks(kernel, pid);
    return { uuid, name, id, incarnation: ticks === undefined ? unknownIncarnation : `${pid}-${ticks}` };
  });
}

/**
 * True while the process of that incarnation runs, whatever libvirt says. A process whose start cannot be read counts as
 * running: to take a living one for ended would make the ledger forget it.
 */
export function incarnationRuns(
  kernel: KernelRoot,
  { incarnation }: Pick<KnobDomain, 'incarnation'>,
): boolean {
  const [pid, ticks] = incarnation.split('-');
  if (ticks === undefined) return false;
  const seen = readableTicks(kernel, Number(pid));
  // To ask whether a file is there takes no file descriptor.
  return seen === undefined ? kernel.exists(`proc/${pid}`) : seen === Number(ticks);
}

function readableTicks(kernel: KernelRoot, pid: number): number | undefined {
  try {
    return startTicks(kernel, pid);
  } catch {
    return undefined;
  }
}

/** Why no knob of a domain can be read or written; undefined: nothing is in the way. */
export function domainObstacle(
  ports: TunerPorts,
  domain: KnobDomain,
  view: Pick<DomainView, 'xmlUnknown'>,
): string | undefined {
  if (!ports.hypervisor) return 'there is no hypervisor connection';
  if (view.xmlUnknown !== undefined) return view.xmlUnknown;
  return domain.incarnation === unknownIncarnation ? 'the process of the domain is not known' : undefined;
}

/** The hypervisor of ports that have one; knobs of domains exist only then. */
export function hypervisorOf(ports: TunerPorts): NonNullable<TunerPorts['hypervisor']> {
  if (!ports.hypervisor) throw new Error('a domain knob was written without a hypervisor');
  return ports.hypervisor;
}

/** A reading's value, or why there is none: the two halves of `Reading`. */
export function valueOr(
  value: string | undefined,
  unsupported: string,
): { value: string } | { unsupported: string } {
  return value === undefined ? { unsupported } : { value };
}
