/** Drover's measure of CPU time, the ECU: what a flavor asks for and what a pCPU of a host stands for. Pure. */
import type { Columns } from '../../fleet/registry-resources.js';
import { readFloat } from '../../model/python-text.js';
import { invalid } from '../../../proto/wire/errors.js';
import { AggregateNumber } from './aggregate-number.js';

/** The extra spec that holds a flavor's ECUs for the whole domain: the default of the tuner cpu-qos. */
export const ecuSpec = 'drover:ecu';
/** Key of aggregate metadata and of a host's labels, named as the option is. */
const perPcpuKey = 'ecus_per_pcpu';

/**
 * ECUs that extra specs ask for, read as the agent's cpu-qos reads them; undefined: none asked for. Errors:
 * `invalid-argument` naming `extra_specs.drover:ecu` for what is no number above 0.
 */
export function ecusAsked(extraSpecs: Readonly<Record<string, string>>): number | undefined {
  if (!Object.hasOwn(extraSpecs, ecuSpec)) return undefined;
  const text = extraSpecs[ecuSpec] as string;
  const ecus = readEcus(text);
  if (ecus !== undefined) return ecus;
  throw invalid(`extra_specs.${ecuSpec}`, text, 'a number above 0, such as 4 or 6.5');
}

/** ECUs that an allocation with these extra specs takes: 0 where it asked for none, or for what cannot be read. */
export function ecusTaken(extraSpecs: Readonly<Record<string, string>>): number {
  const text = extraSpecs[ecuSpec];
  return text === undefined ? 0 : (readEcus(text) ?? 0);
}

function readEcus(text: string): number | undefined {
  const ecus = /^\d+(\.\d+)?$/.test(text.trim()) ? Number(text) : 0;
  return ecus > 0 && Number.isFinite(ecus) ? ecus : undefined;
}

export interface EcusPerPcpu {
  readonly of: (row: number) => number;
  /** For words: where the number comes from. */
  readonly source: (row: number) => string;
}

/**
 * ECUs that one pCPU of a host stands for: the smallest `ecus_per_pcpu` of its aggregates, else its label of that name, else
 * the option. A source that says no number above 0 is passed over.
 */
export function ecusPerPcpuOf(columns: Columns, option: number): EcusPerPcpu {
  const given = new AggregateNumber(perPcpuKey, positive);
  const byAggregate = (row: number) => given.of(columns.aggregatesOf(row));
  const byLabel = (row: number) => positive(columns.records[row]?.labels[perPcpuKey]);
  return {
    of: (row) => byAggregate(row) ?? byLabel(row) ?? option,
    source: (row) => {
      if (byAggregate(row) !== undefined) return ' by aggregate';
      return byLabel(row) === undefined ? '' : ' by label';
    },
  };
}

function positive(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const value = readFloat(text);
  return value !== undefined && value > 0 && Number.isFinite(value) ? value : undefined;
}
