import type { TunerManual } from './manual.js';

export const manual: TunerManual = {
  name: 'machine-slice',
  summary: 'Enforces what is reserved for the host on the control group above all domains.',
  settings: [
    {
      name: 'reserved_cpus',
      what: 'CPUs that no thread of any domain may use.',
      values: 'reserved (that set of vcpu-pinning in the same profile), or a CPU list such as 0-3',
      default: 'none: domains may use every CPU',
      writes:
        'cpuset.cpus of /machine (cgroup v1) or machine.slice (cgroup v2; by systemd as AllowedCPUs where the agent reaches it)',
      since: 'cpuset Linux 2.6.24, on cgroup v2 Linux 5.0; AllowedCPUs systemd 244',
      effect: 'now',
    },
    {
      name: 'reserved_host_memory_mb',
      what: 'Memory that all domains together leave to the host.',
      values: 'MiB, 64..1073741824',
      default: 'none: no limit',
      writes:
        'memory.limit_in_bytes (cgroup v1), memory.max (cgroup v2; by systemd as MemoryMax): MemTotal − huge pages − reserved, in whole 64 KiB',
      since: 'Linux 2.6.25; memory.max Linux 4.5',
      effect: 'now',
    },
  ],
  knobs: ['cpuset.cpus', 'memory.limit_in_bytes', 'memory.max'],
  verify:
    'CPUs: Cpus_allowed_list of every thread of every process below the group; evidence is how many were checked, and the first that may run elsewhere makes the knob ineffective. Memory: what the domains use, and how often the limit was met. A domain outside the group (another <partition>) makes either ineffective.',
  undo: 'The explicit set and number that were read. On cgroup v2 an empty cpuset.cpus is read as the set in force, and undo writes that set: clearing AllowedCPUs would leave the old set in force (systemd issue 43846).',
  limits: [
    'Unsupported until a domain has run since the host started, because the group is made then.',
    'cgroup v1 refuses a set that is smaller than that of a group below (EBUSY), and libvirt gives each domain the whole set: with such a domain the knob is held and names it. It takes hold before the first domain starts; domains that start later inherit it.',
    'On cgroup v1 a domain whose XML pins a vCPU to a reserved CPU does not start any more.',
    'On cgroup v2 groups below are narrowed by the kernel. Enabling the cpuset controller there resets affinities that systemd had set (systemd issue 23748).',
    'Held while the domains hold more memory than the limit would be, with both numbers; page cache that the kernel can take back does not count.',
    'systemd answers before it has written: the agent waits at most 2 s for the file to have the value.',
    'At the limit the kernel ends processes of domains (OOM): the reserve is for the host, not against overcommit.',
    'Huge pages are in no memory limit, so pools are taken off first, each as it is or as the tuner hugepages of the profile wants it, whichever is more; surplus pages do not count. The limit follows pools and the memory of the host.',
  ],
  owners: [
    'systemd (systemctl set-property machine.slice)',
    'tuned (cgroup plugin)',
    'libvirt (makes the group)',
  ],
  sources: [
    'Linux 6.12 Documentation/admin-guide/cgroup-v1/cpusets.rst, cgroup-v1/memory.rst',
    'Linux 6.12 Documentation/admin-guide/cgroup-v2.rst (cpuset, memory)',
    'systemd 252 systemd.resource-control(5), org.freedesktop.systemd1(5), CGROUP_DELEGATION',
    'libvirt 9.0 docs/cgroups',
  ],
  example: 'machine-slice:\n  reserved_cpus: reserved\n  reserved_host_memory_mb: 8192\n',
};
