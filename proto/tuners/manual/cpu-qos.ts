import type { TunerManual } from './manual.js';

export const manual: TunerManual = {
  name: 'cpu-qos',
  summary: 'CPU time of each vCPU in a period, and the weight of a domain against the others.',
  settings: [
    {
      name: 'vcpu_period_us',
      what: 'Length of the period in which a quota holds, for each vCPU.',
      values: 'microseconds, 1000..1000000',
      default: '100000',
      writes:
        'virDomainSetSchedulerParametersFlags vcpu_period (live): cpu.cfs_period_us, on cgroup v2 cpu.max',
      since: 'libvirt 0.9.4, Linux 3.2',
      effect: 'now',
    },
    {
      name: 'vcpu_quota_us',
      what: 'CPU time that each vCPU may use in a period.',
      values: 'microseconds, 1000..17592186044415; -1 is no limit',
      default: '-1',
      writes:
        'virDomainSetSchedulerParametersFlags vcpu_quota (live): cpu.cfs_quota_us, on cgroup v2 cpu.max',
      since: 'libvirt 0.9.4, Linux 3.2',
      effect: 'now',
    },
    {
      name: 'cpu_shares',
      what: 'Weight of the whole domain where CPUs are short.',
      values: '2..262144, as cgroup v1 has them; on cgroup v2 weight = shares × 100 ÷ 1024, kept in 2..10000',
      default: '1024 (cgroup v2: weight 100)',
      writes: 'virDomainSetSchedulerParametersFlags cpu_shares (live): cpu.shares, on cgroup v2 cpu.weight',
      since: 'libvirt 0.9.4; cpu.weight Linux 4.15',
      effect: 'now',
    },
    {
      name: 'ecu_per_pcpu',
      what: 'How many ECUs one pCPU of this host delivers; with it, flavors with ECUs get a quota and shares.',
      values: 'a number above 0, up to 1000000',
      default: 'none: ECUs mean nothing',
      writes: 'nothing by itself',
      since: 'as quota and shares',
      effect: 'now',
    },
    {
      name: 'ecu_spec',
      what: "Name of the extra spec that holds a flavor's ECUs, for the whole domain.",
      values: '1..255 characters; only with ecu_per_pcpu',
      default: 'drover:ecu',
      writes: 'nothing by itself',
      since: 'as quota and shares',
      effect: 'now',
    },
    {
      name: 'override_explicit',
      what: 'Writes also where the XML of the domain has a <cputune> of its own.',
      values: 'true or false',
      default: 'false',
      writes: 'nothing by itself',
      since: 'libvirt 0.9.4',
      effect: 'now',
    },
  ],
  extraSpecs: [
    {
      name: 'quota:cpu_quota',
      becomes:
        'the quota of each vCPU, µs; a negative number is no limit. The period is then that of quota:cpu_period, or 100000',
    },
    { name: 'quota:cpu_period', becomes: 'the period of each vCPU, 1000..1000000 µs' },
    { name: 'quota:cpu_shares', becomes: 'the shares of the domain, 2..262144' },
    {
      name: 'drover:ecu',
      becomes:
        'quota = period × ECUs ÷ ecu_per_pcpu ÷ vCPUs for each vCPU, and shares = 1024 × ECUs ÷ ecu_per_pcpu; goes before the numbers of the profile and after the quota specs',
    },
  ],
  knobs: ['vcpu_period_us', 'vcpu_quota_us', 'cpu_shares'],
  verify:
    "Read from the control groups of the domain and its vCPUs. Evidence of a quota: nr_throttled and nr_periods of the vCPUs' cpu.stat, added up since the domain started.",
  undo: 'The numbers that were read; vCPUs that differed get their own number back each. On cgroup v2 the raw weight.',
  limits: [
    'All vCPUs of a domain are set alike.',
    'ECUs that are more than one pCPU for each vCPU are clamped to the period, and less than 1000 µs are raised to it: a remark of the plan says so.',
    'An extra spec that is no usable number holds its knob; the other knobs and domains go on.',
    "Where only quota:cpu_period is given, the profile's quota keeps its share: 50000 of 100000 µs become 500000 of 1000000.",
    'A quota does not hold the emulator and I/O threads of QEMU.',
    'Shares count only among domains, and only where CPUs are short; the group above all domains has a weight of its own.',
    'A group with cpu.idle 1 has no weight on cgroup v2: held.',
  ],
  owners: ['Nova (at the start of a domain, from the same extra specs)', 'MOM (CpuTune)', 'virsh schedinfo'],
  sources: [
    'Linux 6.12 Documentation/scheduler/sched-bwc.rst',
    'Linux 6.12 Documentation/admin-guide/cgroup-v2.rst (cpu.weight, cpu.max)',
    'libvirt 9.0 virDomainSetSchedulerParametersFlags; formatdomain, CPU Tuning',
    'Nova 2024.1 extra specs quota:cpu_*',
    'docs/adr/0008-cpu-shares-on-v2.md',
  ],
  example: 'cpu-qos:\n  ecu_per_pcpu: 20\n  cpu_shares: 1024\n',
};
