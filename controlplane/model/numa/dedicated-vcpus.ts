/** Which vCPUs get a pCPU of their own: `hw:cpu_dedicated_mask`, `hw:cpu_realtime`, `hw:cpu_realtime_mask`. Nova. Pure. */
import { invalid } from '../../../proto/wire/errors.js';
import { parseVcpuMask } from './cpu-spec.js';
import { emulatorPolicyOf, specField } from './guest-policies.js';
import { imageField, type NumaImage } from './numa-image.js';
import { isTrue } from './oslo-text.js';

type Specs = Readonly<Record<string, string>>;

/** vCPUs 0 to `vcpus` - 1. */
export function allVcpus(vcpus: number): number[] {
  return Array.from({ length: vcpus }, (_, vcpu) => vcpu);
}

/** The realtime vCPUs; none where realtime is not asked for. Some vCPU must stay out, unless the emulator has its policy. */
export function realtimeVcpus(specs: Specs, vcpus: number, image: NumaImage): readonly number[] {
  if (!isTrue(specs['hw:cpu_realtime'])) return [];
  const field = image.realtimeMask ? imageField('hw_cpu_realtime_mask') : specField('hw:cpu_realtime_mask');
  const mask = image.realtimeMask || specs['hw:cpu_realtime_mask'];
  const chosen = mask ? parseVcpuMask(mask, vcpus, field) : allVcpus(vcpus);
  const isAll = chosen.length === vcpus && chosen.at(-1) === vcpus - 1;
  if (chosen.length === 0 || (chosen.at(-1) as number) >= vcpus)
    throw invalid(field, mask, `one or more of the vCPUs 0-${vcpus - 1}`);
  if (isAll && emulatorPolicyOf(specs) === null)
    throw invalid(field, mask ?? 'nothing', 'a mask that leaves a vCPU out, or hw:emulator_threads_policy');
  return chosen;
}

/** The vCPUs of `hw:cpu_dedicated_mask`; none without it. Neither none nor all of the flavor's. */
function maskedVcpus(specs: Specs, vcpus: number): readonly number[] {
  const mask = specs['hw:cpu_dedicated_mask'];
  if (!mask) return [];
  const field = specField('hw:cpu_dedicated_mask');
  const chosen = parseVcpuMask(mask, vcpus, field);
  const isPart = chosen.length > 0 && chosen.length < vcpus && (chosen.at(-1) as number) < vcpus;
  if (!isPart) throw invalid(field, mask, `some, not all, of the vCPUs 0-${vcpus - 1}`);
  return chosen;
}

/** The dedicated vCPUs of a policy. Errors: `invalid-argument` for a mask that does not go with it. */
export function dedicatedVcpus(
  specs: Specs,
  vcpus: number,
  image: NumaImage,
  cpuPolicy: string | null,
): readonly number[] {
  const realtime = realtimeVcpus(specs, vcpus, image);
  const masked = maskedVcpus(specs, vcpus);
  const [given, wrongMask] = [specs['hw:cpu_dedicated_mask'], specField('hw:cpu_dedicated_mask')];
  if (cpuPolicy === 'mixed') {
    if (realtime.length > 0 === masked.length > 0)
      throw invalid(wrongMask, given ?? 'nothing', 'one of hw:cpu_dedicated_mask and hw:cpu_realtime_mask');
    return masked.length > 0 ? masked : realtime;
  }
  if (masked.length > 0) throw invalid(wrongMask, given, 'no mask without hw:cpu_policy mixed');
  if (cpuPolicy === 'dedicated') return allVcpus(vcpus);
  if (realtime.length > 0)
    throw invalid(
      specField('hw:cpu_realtime'),
      specs['hw:cpu_realtime'],
      'hw:cpu_policy dedicated or mixed with it',
    );
  return [];
}
