/**
 * Keeps interrupts of devices off CPUs that are promised to guests (Documentation/core-api/irq/irq-affinity.rst): from the
 * list of each interrupt that touches them, they are taken out.
 */
import { formatCpuSet, intersectCpus, parseCpuSet, subtractCpus } from '../../proto/wire/cpu-set.js';
import { DroverError, invalid } from '../../proto/wire/errors.js';
import {
  defaultAffinityFile,
  formatCpuMask,
  irqCount,
  irqDirectory,
  readDefaultAffinity,
  readIrqs,
  type Irq,
} from '../kernel/irq.js';
import type { KernelRoot } from '../kernel/root.js';
import { IrqMemory } from './common/cpu/irq-memory.js';
import { namedCpus } from './common/cpu/named-cpus.js';
import type { HostView, Knob, Reading, Tuner, Want } from './tuner.js';

const name = 'irq-affinity';
const field = `tuners.${name}.keep_off`;
const defaultAffinity = 'default_smp_affinity';

/** A reading that may know why its interrupt stays where it is. */
interface IrqReading extends Reading {
  readonly unmovable?: string;
}

/** Answers of the kernel to a write that will be the same next time: EIO, and EPERM since Linux 6.11. */
const refusals = ['EIO', 'EPERM'];

/** A tuner that remembers, up to a limit, which interrupts the kernel refused to move. */
export function makeIrqAffinity(memory = new IrqMemory()): Tuner<typeof name> {
  return {
    name,

    async observe({ kernel }, { held = [] }) {
      if (!kernel.exists(irqDirectory)) return [withoutIrqs()];
      const irqs = readIrqs(kernel);
      const found = irqs.map((irq) => observeIrq(kernel, irq, memory));
      return [observeDefault(kernel), ...found, ...ofOthersNow(irqs, held)];
    },

    want(settings, readings, host) {
      const { keepOff, others } = divide(settings.keep_off, host);
      const there = readings.filter(({ gone }) => !gone);
      return there.map((reading) => wantKnob(reading, keepOff, others));
    },

    async write({ kernel }, knob, value) {
      const isDefault = knob.setting === defaultAffinity;
      try {
        await kernel.write(knob.source, isDefault ? formatCpuMask(parseCpuSet(value)) : value);
      } catch (thrown) {
        const code = errnoOf(thrown);
        if (!isDefault && refusals.includes(code)) memory.refuse(memoryKey(kernel, knob), code);
        throw thrown;
      }
    },
  };
}

export const irqAffinity: Tuner<typeof name> = makeIrqAffinity();

function errnoOf(thrown: unknown): string {
  const cause = thrown instanceof DroverError ? thrown.cause : thrown;
  return (cause as NodeJS.ErrnoException | undefined)?.code ?? '';
}

/** Roots of several hosts may share the tuner. */
function memoryKey(kernel: KernelRoot, { setting }: Knob): string {
  return `${kernel.path} ${setting}`;
}

function withoutIrqs(): Reading {
  const knob = { tuner: name, setting: defaultAffinity, source: irqDirectory } as const;
  return { knob, unsupported: 'this kernel has no /proc/irq' };
}

function observeDefault(kernel: KernelRoot): Reading {
  const knob = { tuner: name, setting: defaultAffinity, source: defaultAffinityFile } as const;
  const value = readDefaultAffinity(kernel);
  return value === undefined
    ? { knob, unsupported: `this kernel has no ${defaultAffinity}` }
    : { knob, value, evidence: 'for interrupts that drivers will ask for from now on' };
}

/** The label is part of the setting: after a hot plug the same number may be another device's. */
function observeIrq(kernel: KernelRoot, irq: Irq, memory: IrqMemory): IrqReading {
  const { number, label, affinity, effective, isFixed } = irq;
  const setting = `irq ${number} ${label}`;
  const knob = { tuner: name, setting, source: `${irqDirectory}/${number}/smp_affinity_list` } as const;
  const refused = memory.refusal(memoryKey(kernel, knob));
  const unmovable = isFixed
    ? 'its driver and the kernel place it (a managed IRQ, or one of a single CPU)'
    : refused && `the kernel refused to move it (${refused}): a managed IRQ, or one of a single CPU`;
  const value = formatCpuSet(affinity);
  return {
    knob,
    value,
    ...(unmovable !== undefined && { unmovable }),
    ...effectOf(kernel, irq, value, memoryKey(kernel, knob), memory),
    ...(effective.length === 0 && { evidence: label }),
  };
}

/** Held knobs whose number another device has by now: what was written belonged to one that is gone. */
function ofOthersNow(irqs: readonly Irq[], held: readonly Knob[]): Reading[] {
  const settings = new Map(irqs.map(({ number, label }) => [String(number), `irq ${number} ${label}`]));
  return held.flatMap((knob) => {
    const setting = settings.get(knob.setting.split(' ')[1] ?? '');
    if (knob.tuner !== name || setting === undefined || setting === knob.setting) return [];
    return [{ knob, gone: true as const, unsupported: `it is ${setting} now` }];
  });
}

/**
 * Where it goes. On x86 without interrupt remapping a new list takes hold at the next interrupt (it is moved while it is
 * being served), so one that has not fired since is on its way and not without effect.
 */
function effectOf(
  kernel: KernelRoot,
  { number, label, affinity, effective }: Irq,
  list: string,
  key: string,
  memory: IrqMemory,
): { evidence: string; ineffective?: string } {
  const where = `${label} goes to CPU ${formatCpuSet(effective)}`;
  if (subtractCpus(effective, affinity).length === 0) {
    memory.arrived(key);
    return { evidence: where };
  }
  if (!memory.hadItsChance(key, list, irqCount(kernel, number)))
    return { evidence: `${where} until its next interrupt` };
  const ineffective = `effective_affinity_list is still ${formatCpuSet(effective)}, and it has fired since`;
  return { evidence: where, ineffective };
}

interface Division {
  readonly keepOff: readonly number[];
  /** Online CPUs for interrupts. */
  readonly others: readonly number[];
}

/** Errors: `invalid-argument` where no online CPU is left for interrupts; those of `namedCpus`. */
function divide(text: string, host: HostView): Division {
  const keepOff = namedCpus(field, text, 'dedicated', host);
  const others = subtractCpus(parseCpuSet(host.facts.cpu?.online ?? ''), keepOff);
  if (others.length > 0) return { keepOff, others };
  throw invalid(
    field,
    text,
    `a set that leaves an online CPU for interrupts (online: ${host.facts.cpu?.online})`,
  );
}

/** Without the CPUs to be kept free, or all others where nothing online would be left. What does not touch them stays. */
function wantKnob(
  { knob, value, unmovable }: IrqReading,
  keepOff: readonly number[],
  others: readonly number[],
): Want {
  const now = parseCpuSet(value ?? '');
  const rest = subtractCpus(now, keepOff);
  const kept = intersectCpus(rest, others).length > 0 ? rest : others;
  const wanted = value !== undefined && rest.length === now.length ? value : formatCpuSet(kept);
  const unsupported = unmovable === undefined || wanted === value ? {} : { unsupported: unmovable };
  return { knob, value: wanted, effect: 'now', affects: [], ...unsupported };
}
