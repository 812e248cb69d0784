/** Turns settings into what libvirt's calls take. Pure. */
import { formatCpuSet, maximumCpu } from '../../proto/wire/cpu-set.js';
import { invalid } from '../../proto/wire/errors.js';
import { throttleKeys, throttleNames } from './disk-throttle.js';
import type {
  BlockLimits,
  DiskThrottle,
  InterfaceBandwidth,
  InterfaceBandwidthChange,
  InterfaceRate,
  SchedulerSettings,
} from './hypervisor.js';
import type { Parameter } from './typed-parameters.js';

/**
 * libvirt's CPU map: bit N of byte N/8 is CPU N; CPUs beyond the map are not in it. Errors: `invalid-argument` for no CPU
 * and for what is no CPU number.
 */
export function cpuMap(cpus: readonly number[], field: string): Buffer {
  if (cpus.length === 0) throw invalid(field, 'no CPU', 'at least one CPU');
  for (const cpu of cpus)
    if (!Number.isInteger(cpu) || cpu < 0 || cpu > maximumCpu)
      throw invalid(field, cpu, `CPU numbers 0..${maximumCpu}`);
  const map = Buffer.alloc(Math.floor(Math.max(...cpus) / 8) + 1);
  for (const cpu of cpus) map[cpu >> 3] = (map[cpu >> 3] as number) | (1 << (cpu & 7));
  return map;
}

/** Parameters of virDomainSetSchedulerParametersFlags for the QEMU driver. Errors: `invalid-argument` for no whole number. */
export function schedulerParameters(settings: SchedulerSettings): Parameter[] {
  const rows = [
    ['vcpu_period', 'unsigned', settings.vcpuPeriodUs, 'vcpuPeriodUs'],
    ['vcpu_quota', 'signed', settings.vcpuQuotaUs, 'vcpuQuotaUs'],
    ['cpu_shares', 'unsigned', settings.cpuShares, 'cpuShares'],
  ] as const;
  return rows.flatMap(([name, type, value, field]) =>
    value === undefined ? [] : [{ name, type, value: wholeNumber(value, type === 'signed' ? -1 : 0, field) }],
  );
}

/**
 * Parameters of virDomainSetBlkioParameters: each is the text `DEVICE,VALUE`; libvirt keeps what is not named and takes a
 * limit of 0 away. Errors: `invalid-argument` for a device or a number that cannot be.
 */
export function blockParameters(device: string, limits: BlockLimits): Parameter[] {
  if (!/^\/dev\/[^,\0]+$/.test(device))
    throw invalid('device', device, 'a block device node such as /dev/vda');
  const rows = [
    ['device_read_bytes_sec', limits.readBytesSec, 'readBytesSec'],
    ['device_write_bytes_sec', limits.writeBytesSec, 'writeBytesSec'],
    ['device_read_iops_sec', limits.readIopsSec, 'readIopsSec'],
    ['device_write_iops_sec', limits.writeIopsSec, 'writeIopsSec'],
  ] as const;
  return rows.flatMap(([name, value, field]) =>
    value === undefined
      ? []
      : [{ name, type: 'text' as const, value: `${device},${wholeNumber(value, 0, field)}` }],
  );
}

/** Parameters of virDomainSetBlkioParameters for the domain's weight. Errors: `invalid-argument` outside of 10..1000. */
export function weightParameters(weight: number): Parameter[] {
  if (!Number.isInteger(weight) || weight < 10 || weight > 1000)
    throw invalid('blockWeight', weight, 'a whole number 10..1000');
  return [{ name: 'weight', type: 'unsigned32', value: weight }];
}

/**
 * All 19 parameters of virDomainSetBlockIoTune, so that what is absent is lifted: libvirt keeps what it is not given.
 * Errors: `invalid-argument` for no whole number.
 */
export function throttleParameters(throttle: DiskThrottle): Parameter[] {
  return throttleKeys.map((key) => ({
    name: throttleNames[key],
    type: 'unsigned',
    value: wholeNumber(throttle[key] ?? 0, 0, key),
  }));
}

/**
 * Parameters of virDomainSetInterfaceParameters for the directions that change: libvirt keeps one of which it is told
 * nothing, and clears one with neither average nor floor. A floor is named only where there is one: libvirt before 7.3 has
 * no such parameter. Errors: `invalid-argument` for what is no whole number of 32 bits.
 */
export function bandwidthParameters({ inbound, outbound }: InterfaceBandwidthChange): Parameter[] {
  return [...rateParameters('inbound', inbound), ...rateParameters('outbound', outbound)];
}

/** What an interface has after a change, as libvirt merges it. */
export function changedBandwidth(
  now: InterfaceBandwidth,
  { inbound = now.inbound, outbound = now.outbound }: InterfaceBandwidthChange,
): InterfaceBandwidth {
  return { ...(inbound && { inbound }), ...(outbound && { outbound }) };
}

function rateParameters(direction: string, rate: InterfaceRate | null | undefined): Parameter[] {
  if (rate === undefined) return [];
  const floor = rate?.floorKilobytesSec ?? 0;
  const rows: [what: string, value: number][] = [
    ['average', rate?.averageKilobytesSec ?? 0],
    ['peak', rate?.peakKilobytesSec ?? 0],
    ['burst', rate?.burstKilobytes ?? 0],
    ...(floor === 0 ? [] : [['floor', floor] satisfies [string, number]]),
  ];
  return rows.map(([what, value]) => {
    const name = `${direction}.${what}`;
    if (value > 0xff_ff_ff_ff) throw invalid(name, value, 'at most 4294967295');
    return { name, type: 'unsigned32', value: wholeNumber(value, 0, name) };
  });
}

/** What virDomainGetInterfaceParameters answers, by name. */
export function bandwidthOf(parameters: ReadonlyMap<string, number>): InterfaceBandwidth {
  const [inbound, outbound] = [rateOf(parameters, 'inbound'), rateOf(parameters, 'outbound')];
  return { ...(inbound ? { inbound } : {}), ...(outbound ? { outbound } : {}) };
}

function rateOf(parameters: ReadonlyMap<string, number>, direction: string): InterfaceRate | undefined {
  return rateFrom((part) => parameters.get(`${direction}.${part}`) ?? 0);
}

/** A rate by libvirt's words for its parts, each 0 where there is none; undefined: neither an average nor a floor. */
export function rateFrom(part: (name: string) => number): InterfaceRate | undefined {
  const [average, peak, burst, floor] = [part('average'), part('peak'), part('burst'), part('floor')];
  if (average === 0 && floor === 0) return undefined;
  return {
    averageKilobytesSec: average,
    ...(peak > 0 && { peakKilobytesSec: peak }),
    ...(burst > 0 && { burstKilobytes: burst }),
    ...(floor > 0 && { floorKilobytesSec: floor }),
  };
}

/** VIR_DOMAIN_NUMATUNE_MEM_RESTRICTIVE: the control group alone holds the memory, no policy of QEMU (libvirt 7.3). */
export const restrictiveMode = 3;

/** Parameters of virDomainSetNumaParameters; without a mode the domain keeps its own. Errors: `invalid-argument` for no cell and for what is no cell number. */
export function numaParameters(cells: readonly number[], mode?: number): Parameter[] {
  if (cells.length === 0) throw invalid('memory cells', 'no cell', 'at least one NUMA cell');
  for (const cell of cells)
    if (!Number.isInteger(cell) || cell < 0 || cell > maximumCell)
      throw invalid('memory cells', cell, `NUMA cell numbers 0..${maximumCell}`);
  const nodeset = { name: 'numa_nodeset', type: 'text', value: formatCpuSet(cells) } as const;
  return mode === undefined ? [nodeset] : [{ name: 'numa_mode', type: 'signed32', value: mode }, nodeset];
}

/** Linux has at most 1024 (CONFIG_NODES_SHIFT is at most 10). */
const maximumCell = 1_023;

function wholeNumber(value: number, lowest: number, field: string): number {
  if (!Number.isSafeInteger(value) || value < lowest)
    throw invalid(field, value, `a whole number from ${lowest}`);
  return value;
}
