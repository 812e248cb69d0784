/** Metadata of host aggregates: Nova's keys that placement reads as zone, ratio or number must be such. Pure. */
import { invalid } from '../../proto/wire/errors.js';
import { textMap } from '../model/request-values.js';
import { catalogLimits } from './limits.js';
import { largestFactor } from './setting-values.js';

interface KeyRule {
  readonly keys: RegExp;
  readonly isGood: (value: string) => boolean;
  readonly cure: string;
}

const decimal = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i;
const numberOf = (value: string): number => (decimal.test(value.trim()) ? Number(value) : Number.NaN);

/** The first rule whose keys match decides; keys that none matches are free text. */
const rules: readonly KeyRule[] = [
  {
    keys: /^availability_zone$/,
    isGood: (value) => value.trim() === value && value !== '' && !/[,:]|\p{Cc}/u.test(value),
    cure: 'the name of one zone, without comma, colon and blanks around it',
  },
  {
    keys: /^(cpu|ram|disk)_allocation_ratio$/,
    isGood: (value) => numberOf(value) > 0 && numberOf(value) <= 1000,
    cure: 'a number above 0 and up to 1000, such as 4.0',
  },
  {
    keys: /_weight_multiplier$/,
    isGood: (value) => Math.abs(numberOf(value)) <= largestFactor,
    cure: 'a number such as 1.0 or -1.0, up to 1e100',
  },
  {
    keys: /^(max_io_ops_per_host|max_instances_per_host|reserved_host_(cpus|memory_mb|disk_mb))$/,
    isGood: (value) => /^\d{1,15}$/.test(value.trim()),
    cure: 'a whole number from 0',
  },
  {
    keys: /^ecus_per_pcpu$/,
    isGood: (value) => numberOf(value) > 0 && Number.isFinite(numberOf(value)),
    cure: 'a number above 0, such as 2.5',
  },
];

/** `metadata` if it is within the limits and its numbers are numbers. Errors: `invalid-argument` naming `field.KEY`. */
export function checkMetadata(
  metadata: Readonly<Record<string, string>>,
  field: string,
): Record<string, string> {
  textMap(metadata, field, catalogLimits.metadata, catalogLimits.metadataChars);
  for (const [key, value] of Object.entries(metadata)) {
    const rule = rules.find(({ keys }) => keys.test(key));
    if (rule && !rule.isGood(value)) throw invalid(`${field}.${key}`, value, rule.cure);
  }
  return { ...metadata };
}
