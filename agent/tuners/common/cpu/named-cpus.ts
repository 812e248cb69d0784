/** CPUs that a setting names by a word of vcpu-pinning (`dedicated`, `reserved`) or by a list. */
import { formatCpuSet, parseCpuSet, subtractCpus } from '../../../../proto/wire/cpu-set.js';
import { DroverError, invalid } from '../../../../proto/wire/errors.js';
import type { HostView } from '../../tuner.js';
import { cpuSets } from './cpu-sets.js';

/**
 * The CPUs meant, ascending, at least one. `word` stands for that set of vcpu-pinning in the same profile. Errors:
 * `invalid-argument` naming `field` for a word without its set and for CPUs that the host does not have, or what is wrong
 * with the sets of vcpu-pinning; `failed-precondition` without facts.
 */
export function namedCpus(
  field: string,
  text: string,
  word: 'dedicated' | 'reserved',
  { facts: { cpu }, settings }: Pick<HostView, 'facts' | 'settings'>,
): readonly number[] {
  if (!cpu) throw new DroverError('failed-precondition', 'the CPUs of this host are not known yet');
  if (text.trim() === word) {
    const pinning = settings?.['vcpu-pinning'];
    const set = pinning?.[word] === undefined ? [] : cpuSets(pinning, cpu)[word];
    if (set.length > 0) return set;
    throw invalid(field, text, `a CPU list, or a ${word} set in vcpu-pinning of the same profile`);
  }
  const present = [...parseCpuSet(cpu.online, 'cpu.online'), ...parseCpuSet(cpu.offline, 'cpu.offline')];
  const cpus = parseCpuSet(text, field, Math.max(...present));
  if (cpus.length > 0 && subtractCpus(cpus, present).length === 0) return cpus;
  throw invalid(field, text, `${word}, or CPUs of this host: ${formatCpuSet(present)}`);
}
