/** Model name and architecture, from /proc/cpuinfo (its form differs on every architecture). */
import type { KernelRoot } from '../kernel/root.js';

/** x86 says `model name`, POWER `cpu`, MIPS `cpu model`, LoongArch `Model Name`, old Arm kernels `Processor`; arm64, s390x none. */
const modelFields = ['model name', 'Model Name', 'cpu model', 'cpu', 'Processor'];

/** The processor's model as the kernel names it; empty where it names none. */
export function readModelName(root: KernelRoot): string {
  const fields = readCpuinfo(root);
  return modelFields.map((field) => fields.get(field)).find((value) => value !== undefined) ?? '';
}

/**
 * Machine name as uname(2) gives it: x86_64, aarch64. Linux 6.1 and later say so in a file; before that it is read off
 * the fields of cpuinfo. Empty where both lack.
 */
export function readArchitecture(root: KernelRoot): string {
  const said = root.read('proc/sys/kernel/arch');
  if (said) return said;
  const fields = readCpuinfo(root);
  if (fields.has('flags')) return ` ${fields.get('flags')} `.includes(' lm ') ? 'x86_64' : 'i686';
  if (fields.has('CPU implementer'))
    return Number(fields.get('CPU architecture')) >= 8 ? 'aarch64' : 'armv7l';
  if (fields.get('cpu')?.startsWith('POWER'))
    return root.read('proc/version')?.includes('ppc64le') ? 'ppc64le' : 'ppc64';
  if (fields.get('vendor_id') === 'IBM/S390') return 's390x';
  return fields.get('isa')?.startsWith('rv64') ? 'riscv64' : '';
}

/** Fields of the first processor, which stands before the first empty line: the others repeat it, a hundred times over. */
function readCpuinfo(root: KernelRoot): Map<string, string> {
  const fields = new Map<string, string>();
  const [first = ''] = (root.read('proc/cpuinfo') ?? '').split('\n\n', 1);
  for (const line of first.split('\n')) {
    const colon = line.indexOf(':');
    if (colon > 0) fields.set(line.slice(0, colon).trim(), line.slice(colon + 1).trim());
  }
  return fields;
}
