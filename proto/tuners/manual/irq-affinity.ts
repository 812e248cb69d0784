import type { TunerManual } from './manual.js';

export const manual: TunerManual = {
  name: 'irq-affinity',
  summary: 'Keeps interrupts of devices off CPUs that are promised to guests.',
  settings: [
    {
      name: 'keep_off',
      what: 'CPUs that are taken out of the list of every interrupt, also of those that drivers ask for later.',
      values: 'dedicated (that set of vcpu-pinning in the same profile), or a CPU list such as 4-$',
      default: "each driver's choice, else all CPUs",
      writes: '/proc/irq/N/smp_affinity_list, /proc/irq/default_smp_affinity',
      since: 'Linux 2.6.39',
      effect: 'now',
    },
  ],
  knobs: ['default_smp_affinity', 'irq N LABEL'],
  verify:
    'The list is read back; evidence is where effective_affinity_list (Linux 4.13) says that it goes, with the name that the driver gave. Without effect: it has fired and still goes to a CPU that its list leaves out.',
  undo: 'The list of each interrupt as it was read.',
  limits: [
    'Only lists that touch the CPUs are changed: what is left of the list, or all other online CPUs where nothing would be left.',
    'Managed interrupts (queues of NVMe and virtio-blk) and those of one CPU cannot be moved: unsupported. Since Linux 6.11 their file has no write bit (a write ends in EPERM); before, the first write ends in EIO, and the agent does not try again until it is started anew or the number has another name (4096 are remembered). The kernel parameter isolcpus=managed_irq keeps managed ones off.',
    'On x86 without interrupt remapping an interrupt moves when it next fires: until then it is on its way, which is no failure.',
    'Timers and interrupts between CPUs (LOC, RES, CAL in /proc/interrupts) have no list.',
    'A smaller set later gives CPUs back only with undo: which CPUs a list would have without Drover is in the ledger alone.',
    'Interrupts of passed-through devices (vfio) are moved like the others.',
    'Errors name `keep_off` where no online CPU would be left for interrupts.',
  ],
  owners: ['irqbalance', 'tuned (scheduler plugin)', "drivers' own scripts (set_irq_affinity)"],
  sources: [
    'Linux 6.12 Documentation/core-api/irq/irq-affinity.rst',
    'Linux 6.12 Documentation/ABI/stable/sysfs-kernel-irq',
    'Linux 6.12 Documentation/admin-guide/kernel-parameters.txt (isolcpus)',
  ],
  example: 'irq-affinity:\n  keep_off: dedicated\n',
};
