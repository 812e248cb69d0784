/** The options of `drover host update`. */
import { flag, list, text, type Call } from './command.js';

export const updateOptions = {
  zone: text({ flags: '--zone <zone>', summary: 'availability zone' }),
  label: list({ flags: '--label <key=value>', summary: 'set a label; may be repeated' }),
  unlabel: list({ flags: '--unlabel <key>', summary: 'remove a label; may be repeated' }),
  cpuAllocationRatio: text({
    flags: '--cpu-allocation-ratio <ratio>',
    summary: 'vCPUs that may be promised for each pCPU',
  }),
  ramAllocationRatio: text({
    flags: '--ram-allocation-ratio <ratio>',
    summary: 'memory that may be promised, as a multiple',
  }),
  diskAllocationRatio: text({
    flags: '--disk-allocation-ratio <ratio>',
    summary: 'disk that may be promised, as a multiple',
  }),
  reservedHostCpus: text({ flags: '--reserved-host-cpus <number>', summary: 'pCPUs kept for the host' }),
  reservedHostMemoryMb: text({
    flags: '--reserved-host-memory-mb <MiB>',
    summary: 'memory kept for the host',
  }),
  reservedHostDiskMb: text({ flags: '--reserved-host-disk-mb <MiB>', summary: 'disk kept for the host' }),
  disable: text({
    flags: '--disable <reason>',
    summary: 'take no new domains, and say why',
    conflicts: ['enable'],
  }),
  enable: flag({ flags: '--enable', summary: 'take new domains again' }),
  forcedDown: flag({
    flags: '--forced-down',
    summary: 'count the host as down whatever its agent says, as before an evacuation',
    conflicts: ['liftForcedDown'],
  }),
  liftForcedDown: flag({ flags: '--lift-forced-down', summary: 'believe its agent again' }),
} as const;

export type UpdateCall = Call<typeof updateOptions>;
