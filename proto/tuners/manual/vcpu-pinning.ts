/** The manual of vcpu-pinning. */
import type { TunerManual } from './manual.js';

const pins = 'virDomainPinVcpuFlags, virDomainPinEmulator, virDomainPinIOThread';

export const manual: TunerManual = {
  name: 'vcpu-pinning',
  summary:
    'Keeps domains on the CPUs that are meant for them: many on shared CPUs, or one vCPU on each dedicated CPU.',
  settings: [
    {
      name: 'reserved',
      what: 'CPUs that no domain gets. Without shared and dedicated, all others are shared.',
      values: 'a CPU list: 0-3, 0,8, 4-$ (to the last CPU of the host), 0-7,^2 (without 2)',
      default: 'none: libvirt lets every thread run on every online CPU',
      writes: pins,
      since: 'libvirt 0.8.5 (vCPUs), 0.10.0 (emulator), 1.2.14 (I/O threads)',
      effect: 'now',
    },
    {
      name: 'shared',
      what: 'CPUs for all threads of domains without dedicated CPUs, as cpu_shared_set of Nova.',
      values: 'a CPU list; shares no CPU with reserved or dedicated',
      default: 'what is not reserved; with dedicated: none, and such domains are held',
      writes: pins,
      since: 'libvirt 0.8.5',
      effect: 'now',
    },
    {
      name: 'dedicated',
      what: 'CPUs of which each serves one vCPU alone, as cpu_dedicated_set of Nova.',
      values: 'a CPU list; shares no CPU with reserved or shared',
      default: 'none: domains with hw:cpu_policy dedicated are held',
      writes: pins,
      since: 'libvirt 0.8.5',
      effect: 'now',
    },
    {
      name: 'cpu_policy',
      what: 'How domains without hw:cpu_policy sit.',
      values: 'shared or dedicated',
      default: 'shared',
      writes: pins,
      since: 'libvirt 0.8.5',
      effect: 'now',
    },
    {
      name: 'emulator_threads_policy',
      what: 'Where emulator and I/O threads run whose domain has dedicated CPUs and no hw:emulator_threads_policy.',
      values:
        "share (the shared set, or the domain's own CPUs where there is none) or isolate (one more dedicated CPU)",
      default: "the CPUs of the domain's own vCPUs, as in Nova",
      writes: 'virDomainPinEmulator, virDomainPinIOThread',
      since: 'libvirt 0.10.0 (emulator), 1.2.14 (I/O threads)',
      effect: 'now',
    },
    {
      name: 'cross_cell_limit_mb',
      what: 'A domain with less memory may go to another NUMA cell than its memory, also when numa-memory does not follow.',
      values: 'MiB, from 0 (no domain may)',
      default: '4096',
      writes: 'nothing by itself',
      since: 'Drover',
      effect: 'now',
    },
    {
      name: 'override_explicit',
      what: 'Pin also what the XML of a domain pins itself.',
      values: 'true or false',
      default: 'false: a pin in the XML is respected, and the knob is held',
      writes: 'nothing by itself',
      since: 'Drover',
      effect: 'now',
    },
  ],
  extraSpecs: [
    {
      name: 'hw:cpu_policy',
      becomes: 'shared, dedicated (each vCPU on a CPU of its own), or mixed (those of hw:cpu_dedicated_mask)',
    },
    { name: 'hw:cpu_dedicated_mask', becomes: 'of mixed: the dedicated vCPUs (2-3), or all but some (^0-1)' },
    {
      name: 'hw:cpu_thread_policy',
      becomes:
        'prefer: sibling threads of whole free cores first; isolate: one thread of a whole free core for each vCPU, its siblings stay unused; require: whole free cores with siblings only',
    },
    { name: 'hw:emulator_threads_policy', becomes: 'as emulator_threads_policy, for this domain' },
    {
      name: 'hw:numa_nodes',
      becomes: 'above 1: the dedicated vCPUs may lie in up to so many NUMA cells, in equal parts',
    },
  ],
  knobs: ['vcpu N affinity', 'emulator affinity', 'iothread N affinity'],
  verify:
    "Cpus_allowed_list of /proc/PID/task/TID/status: what affinity and cpuset together allow, so a cpuset that is narrower shows. The emulator's knob also counts the other threads of QEMU (`5 of 5 emulator threads on 0-1`) and fails when one of them may still run elsewhere.",
  undo: 'The exact set of every thread before the first pin is written back by the same calls. A set that held every online CPU then stands in the live XML as a pin to all of them.',
  limits: [
    'A domain that sits as its policy says stays there, whoever comes or goes; the others are served in the order of their UUIDs. Nobody is moved to make room.',
    'Dedicated CPUs come from one NUMA cell, tightest cell first, the cell of its memory before all; where none has enough, the domain is held with what was asked for and what is free, unless hw:numa_nodes permits more cells.',
    'A CPU to which somebody pinned a single vCPU of a domain without dedicated CPUs is not given away before that pin is gone; a change of sets may need a second pass for that. Without override_explicit the same goes for every CPU that the XML of a domain pins any thread to, unless that is a pin to all online CPUs.',
    'While the XML of a running domain cannot be read nothing of it is changed, and the CPUs that its vCPUs are pinned to are not given away.',
    'Where two domains that start together were planned the same CPUs, the second is not pinned there: its knobs fail with the CPU and the name of the other, and the next pass chooses anew.',
    'A set is cut to the CPUs that the control group above the domain (machine.slice) leaves it, and a remark says so; a domain that would be left none is held. An undo to more CPUs than that is written and fails with the name of the group until it is widened.',
    'isolate and require want all threads of a core in the dedicated set. Threads of the same core in the shared set would share it.',
    'How much memory a cell has free is not looked at: placement does that before a domain starts.',
    'A pin moves no memory. Where vCPUs would leave the NUMA cell of their memory the knob says so and is held, unless numa-memory has follow: cpus or the domain is smaller than cross_cell_limit_mb. Where the memory is, is told by Mems_allowed_list and by the CPUs so far; a domain that ran everywhere has no such cell.',
    'hw:cpu_thread_policy, hw:emulator_threads_policy and hw:numa_nodes mean nothing to a shared domain and are ignored there.',
    'Shared CPUs that are isolated (isolcpus) get a remark: the scheduler balances nothing over them.',
    'A TCG guest whose vCPUs share one thread is unsupported; its emulator can be pinned.',
    'vhost and other kernel threads of a domain are no knobs of this tuner.',
  ],
  owners: [
    'Nova (nova-compute pins domains that it made)',
    'numad',
    'TuneD with an affinity plugin',
    'scripts with virsh vcpupin or taskset',
  ],
  sources: [
    'proc(5) status; sched_setaffinity(2); Linux 6.1 Documentation/admin-guide/cgroup-v1/cpusets.rst, cgroup-v2.rst',
    'libvirt 9.0.0: formatdomain, CPU Tuning; virDomainPinVcpuFlags, virDomainPinEmulator, virDomainPinIOThread',
    'Nova: doc/source/admin/cpu-topologies.rst; nova/virt/hardware.py (thread policies, masks)',
  ],
  example:
    "vcpu-pinning:\n  reserved: '0-1'\n  shared: '2-7'\n  dedicated: 8-$\n  emulator_threads_policy: share\n",
};
