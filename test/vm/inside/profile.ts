/** The profile of the test, one value at least for each tuner, and what the kernel must show for it. */
import { join } from 'node:path';
import type { TunerSettings } from '../../../proto/wire/tuner-settings.js';
import { affinity, hostFiles, text, type Place } from './kernel-files.js';

/** Values that no kernel or distribution has by itself. */
const tuners: TunerSettings = {
  'vcpu-pinning': { reserved: '0', shared: '1-$' },
  'cpu-qos': { vcpu_period_us: 50_000, vcpu_quota_us: 20_000, cpu_shares: 512 },
  'block-qos': {
    read_bytes_sec: 2_097_152,
    write_bytes_sec: 262_144,
    read_iops_sec: 200,
    write_iops_sec: 100,
  },
  ksm: {
    run: 'on',
    pages_to_scan: 117,
    sleep_millisecs: 35,
    merge_across_nodes: false,
    use_zero_pages: true,
  },
  'transparent-hugepages': { enabled: 'madvise', defrag: 'defer', khugepaged_defrag: false },
};

/** In JSON, which is YAML too. */
export const profile = { name: 'vm-test', tuners } as const;

/** Knobs that the profile means for one domain with two vCPUs and one disk: pins, bandwidth and weight, limits, host. */
export const knobCount = 3 + 3 + 4 + 5 + 3;

/** Reads what the profile is about: a name for people to the kernel's text. */
export function inForce({ scope, ...place }: Place): Record<string, string> {
  const threads = affinity({ scope, ...place });
  const inner = join(scope, 'libvirt');
  return {
    'threads of vCPU 0, vCPU 1, emulator': [threads['CPU 0/TCG'], threads['CPU 1/TCG'], threads['main']].join(
      ' ',
    ),
    'cpu.max of vCPU 0': text(join(inner, 'vcpu0/cpu.max')),
    'cpu.max of vCPU 1': text(join(inner, 'vcpu1/cpu.max')),
    'cpu.weight of the scope': text(join(scope, 'cpu.weight')),
    'io.max': text(join(inner, 'io.max')),
    ...hostFiles(),
  };
}

/** What `inForce` reads while the profile is in force. */
export function expected({ disk }: Place): Record<string, string> {
  return {
    'threads of vCPU 0, vCPU 1, emulator': '1 1 1',
    'cpu.max of vCPU 0': '20000 50000',
    'cpu.max of vCPU 1': '20000 50000',
    'cpu.weight of the scope': '50',
    'io.max': `${disk} rbps=2097152 wbps=262144 riops=200 wiops=100`,
    'ksm/run': '1',
    'ksm/pages_to_scan': '117',
    'ksm/sleep_millisecs': '35',
    'ksm/merge_across_nodes': '0',
    'ksm/use_zero_pages': '1',
    'transparent_hugepage/enabled': 'always [madvise] never',
    'transparent_hugepage/defrag': 'always [defer] defer+madvise madvise never',
    'transparent_hugepage/khugepaged/defrag': '0',
  };
}
