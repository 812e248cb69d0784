/** Which block limits a domain is to have: the profile's settings with the domain's extra specs laid over them. Pure. */
import {
  blockLimitFault,
  blockLimitNames,
  type BlockKey,
  type BlockLimitName,
  type BlockLimits,
  type BlockQosSettings,
} from '../../../../proto/tuners/block-qos.js';
import type { DomainView } from '../../../libvirt/hypervisor.js';
import { specNumber } from '../specs.js';

/** The kernel keeps operations a second in 32 bits. */
export const maximumIops = 4_294_967_295;

/** QEMU's bound of any rate (THROTTLE_VALUE_MAX). */
const maximumBytes = 1e15;

export interface BlockAsk {
  readonly limits: BlockLimits;
  /** Extra specs that are no numbers, by the key that they stand for. */
  readonly faults: ReadonlyMap<BlockKey, { readonly text: string; readonly reason: string }>;
  /** What cannot be together. */
  readonly conflict: string | undefined;
}

/** Nova's extra specs (nova/virt/libvirt: `disk_qos`), and the burst lengths that Nova lacks. */
const specNames: readonly (readonly [BlockKey, string])[] = [
  ...blockLimitNames.map((limit) => [limit, `quota:disk_${limit}`] as const),
  ...blockLimitNames.map((limit) => [`${limit}_max`, `quota:disk_${limit}_max`] as const),
  ...blockLimitNames.map(
    (limit) => [`${limit}_max_length_seconds`, `drover:disk_${limit}_max_length`] as const,
  ),
  ['iops_size', 'quota:disk_size_iops_sec'],
];

/**
 * The limits of one domain. A limit by spec replaces the profile's together with its burst; a total by spec also the
 * profile's read and write of that kind, and the other way round, because QEMU takes only one of the two.
 */
export function askOf(settings: BlockQosSettings, view: Pick<DomainView, 'specs'>): BlockAsk {
  const limits: { [Key in BlockKey]?: number | undefined } = {};
  for (const [key] of specNames) if (settings[key] !== undefined) limits[key] = settings[key];
  const given = specNames.filter(([, spec]) => view.specs[spec] !== undefined);
  for (const [key] of given) for (const gone of replacedBy(key)) delete limits[gone];
  const faults = new Map<BlockKey, { text: string; reason: string }>();
  for (const [key, spec] of given) {
    const read = specNumber(view, spec, 0, key.includes('iops') ? maximumIops : maximumBytes);
    if (read && 'value' in read) limits[key] = read.value;
    else if (read) faults.set(key, { text: view.specs[spec] as string, reason: read.fault });
  }
  const hasIops = blockLimitNames.some((limit) => limit.endsWith('iops_sec') && (limits[limit] ?? 0) > 0);
  if (!hasIops && view.specs['quota:disk_size_iops_sec'] === undefined) delete limits.iops_size;
  return { limits, faults, conflict: blockLimitFault(limits) };
}

function replacedBy(key: BlockKey): BlockKey[] {
  const limit = blockLimitNames.find((each) => each === key);
  if (limit === undefined) return [key];
  const [, direction, kind] = /^(read|write|total)_(.*)$/.exec(limit) as unknown as [string, string, string];
  const others = direction === 'total' ? ['read', 'write'] : ['total'];
  const names = [limit, ...others.map((other) => `${other}_${kind}` as BlockLimitName)];
  return names.flatMap((name) => [name, `${name}_max`, `${name}_max_length_seconds`] as const);
}
