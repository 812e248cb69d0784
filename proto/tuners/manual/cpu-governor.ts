import type { TunerManual } from './manual.js';

export const manual: TunerManual = {
  name: 'cpu-governor',
  summary:
    'How the kernel chooses the frequency of CPUs, and the hint to the processor between speed and power.',
  settings: [
    {
      name: 'governor',
      what: 'The rule by which the frequency is chosen.',
      values: 'performance, powersave, schedutil, ondemand, conservative or userspace, as the driver offers',
      default: "the kernel's build and driver",
      writes: '/sys/devices/system/cpu/cpufreq/policyN/scaling_governor',
      since: 'Linux 4.3 (policy directories); schedutil Linux 4.7',
      effect: 'now',
    },
    {
      name: 'userspace_khz',
      what: 'The frequency that governor userspace holds.',
      values: 'kHz; with governor userspace, and only there',
      default: 'the frequency at the time of the change',
      writes: '/sys/devices/system/cpu/cpufreq/policyN/scaling_setspeed',
      since: 'Linux 4.3',
      effect: 'now',
    },
    {
      name: 'cpus',
      what: 'Which CPUs; a policy that serves one of them is meant as a whole.',
      values: 'a CPU list such as 4-$',
      default: 'all online CPUs',
      writes: 'nothing by itself',
      since: 'Linux 4.3',
      effect: 'now',
    },
    {
      name: 'energy_performance_preference',
      what: 'Hint to a processor that chooses its frequency itself.',
      values: 'performance, balance_performance, balance_power or power',
      default: "the processor's or the firmware's",
      writes: '/sys/devices/system/cpu/cpufreq/policyN/energy_performance_preference',
      since: 'Linux 4.11 (intel_pstate), 6.3 (amd-pstate)',
      effect: 'now',
    },
  ],
  knobs: ['scaling_governor policyN', 'energy_performance_preference policyN'],
  verify:
    'Read from the same files. Evidence: driver, CPUs and frequency limits of the policy. The frequency of the moment is not read: before Linux 5.18 each such read takes up to 10 ms and wakes the CPU.',
  undo: 'The words that were read; a policy that was on userspace gets its frequency back as well.',
  limits: [
    'A host without cpufreq (most virtual machines): unsupported.',
    'A governor that scaling_available_governors does not list is unsupported; one whose module is not loaded is not listed.',
    'intel_pstate in active mode and amd-pstate-epp offer performance and powersave alone; powersave there is not the lowest frequency.',
    'Those drivers keep the preference at performance as long as the governor is performance: another preference is held.',
    'The preference `default` is not taken: the kernel reads it back as another word.',
    'A remark of the plan names CPUs that are not in `cpus` and share a policy with one that is.',
    'A userspace frequency that scaling_available_frequencies does not list becomes the next higher step within scaling_min_freq and scaling_max_freq, or the highest: scaling_setspeed shows the frequency that was taken, and a remark of the plan says both. Where a driver lists no steps and rounds, the knob fails with both numbers.',
  ],
  owners: [
    'tuned',
    'power-profiles-daemon',
    'cpupower.service',
    'cpufrequtils',
    'Nova (libvirt.cpu_power_management)',
  ],
  sources: [
    'Linux 6.12 Documentation/admin-guide/pm/cpufreq.rst',
    'Linux 6.12 Documentation/admin-guide/pm/intel_pstate.rst',
    'Linux 6.12 Documentation/admin-guide/pm/amd-pstate.rst',
  ],
  example: 'cpu-governor:\n  governor: performance\n  cpus: 4-$\n',
};
