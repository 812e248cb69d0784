/** Which dedicated CPUs there are to give away, and who has which already without having asked. Pure. */
import { intersectCpus, parseCpuSet, subtractCpus } from '../../../../proto/wire/cpu-set.js';
import { knobKey } from '../../tuner.js';
import type { CpuPool } from './dedicated-cpus.js';
import { isDedicated, type PinContext, type PinDomain } from './pin-domains.js';

/** The pool as the domains leave it. CPUs that no domain's control group leaves it are none of it. */
export function dedicatedPool(context: PinContext, domains: readonly PinDomain[]): CpuPool {
  const { cells, sets } = context;
  if (sets.dedicated.length === 0) return { cells, dedicated: [], occupied: [] };
  const bounds = domains.filter(isDedicated).map(({ readings }) => readings[0]?.bounds?.cpus);
  const open = bounds.every((cpus) => cpus !== undefined) ? [...new Set(bounds)].flat() : sets.dedicated;
  return {
    cells,
    dedicated: bounds.length === 0 ? sets.dedicated : intersectCpus(open, sets.dedicated),
    occupied: occupiedByOthers(context, domains),
    fixed: fixedByXml(context, domains),
  };
}

/**
 * CPUs on which somebody pinned single vCPUs of domains that ask for none, CPUs of domains that cannot be asked now and are
 * held within the set, and those promised to domains that the look is not about: they are in use all the same.
 */
function occupiedByOthers({ sets }: PinContext, domains: readonly PinDomain[]): number[] {
  const others = domains.filter((domain) => !isDedicated(domain));
  const single = others.flatMap(({ vcpus, isUntouchable }) =>
    vcpus.flatMap(({ cpus }) =>
      cpus.length === 1 || (isUntouchable && subtractCpus(cpus, sets.dedicated).length === 0) ? cpus : [],
    ),
  );
  const promised = domains.flatMap(({ readings }) => readings.flatMap((each) => each.promisedBeside ?? []));
  return intersectCpus(new Set([...single, ...promised]), sets.dedicated);
}

/** Who stays where by a pin of its XML, whatever thread it is of. A pin to every online CPU keeps nothing for itself. */
function fixedByXml(
  { settings, sets, host }: PinContext,
  domains: readonly PinDomain[],
): Map<number, Set<string>> {
  const fixed = new Map<number, Set<string>>();
  if (settings.override_explicit) return fixed;
  const online = parseCpuSet(host.facts.cpu?.online ?? '').length;
  const ours = new Set((host.held ?? []).map(knobKey));
  for (const { uuid, readings } of domains)
    for (const { explicit, value, cpus, knob } of readings) {
      if (!explicit || value === undefined || cpus.length >= online || ours.has(knobKey(knob))) continue;
      for (const cpu of intersectCpus(cpus, sets.dedicated))
        fixed.set(cpu, (fixed.get(cpu) ?? new Set()).add(uuid));
    }
  return fixed;
}
