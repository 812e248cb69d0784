import type { Columns } from '../../fleet/registry-resources.js';
import { ecusAsked, type EcusPerPcpu, ecusPerPcpuOf, ecuSpec } from '../requirements/ecus.js';
import { asksNothing, type Filter } from './filter.js';

/**
 * The host has the ECUs that the extra spec `drover:ecu` asks for: (pCPUs - reserved) x ECUs per pCPU x
 * cpu_allocation_ratio, less what its allocations' ECUs take. A flavor without ECUs takes none and goes anywhere. Drover's
 * own; Nova has none like it.
 */
export const ecuFilter: Filter = {
  name: 'EcuFilter',
  reasons: ['ecus-short'],
  prepare: (request, columns, settings) => {
    const ecus = ecusAsked(request.extraSpecs);
    if (ecus === undefined) return asksNothing;
    const perPcpu = ecusPerPcpuOf(columns, settings.ecusPerPcpu);
    return {
      passes: (row) => ecus <= left(columns, perPcpu, row),
      reasonOf: () => 0,
      wordsOf: (row) => ({
        observed: leftInWords(columns, perPcpu, row),
        wanted: `${ecus} ECUs (extra spec ${ecuSpec})`,
      }),
    };
  },
};

/** As with vCPUs, the ratio applies to what the reservation leaves. */
function left({ vcpus, ecusUsed }: Columns, perPcpu: EcusPerPcpu, row: number): number {
  const pcpus = (vcpus.total[row] as number) - (vcpus.reserved[row] as number);
  return pcpus * perPcpu.of(row) * (vcpus.ratio[row] as number) - (ecusUsed.values[row] as number);
}

function leftInWords(columns: Columns, perPcpu: EcusPerPcpu, row: number): string {
  const { total, ratio, reserved } = columns.vcpus;
  const off = reserved[row] as number;
  const pcpus = off > 0 ? `(${total[row]} - ${off} reserved)` : `${total[row]}`;
  const offered = `${pcpus} pCPUs x ${perPcpu.of(row)}${perPcpu.source(row)} x ${ratio[row]}`;
  const used = shown(columns.ecusUsed.values[row] as number);
  return `${shown(left(columns, perPcpu, row))} ECUs left (${offered}, ${used} used)`;
}

/** At most three decimals, rounded down: what is left must not look larger than it is. */
function shown(ecus: number): string {
  return String(Math.floor(ecus * 1000) / 1000);
}
