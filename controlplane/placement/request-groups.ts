/** The groups of resources and traits that extra specs ask Placement for: Nova's `ResourceRequest`, as far as a flavor can say. */

/** What one group asks of one provider. */
export interface RequestGroup {
  /** Resource class to amount. */
  readonly resources: Map<string, number>;
  readonly required: Set<string>;
  readonly forbidden: Set<string>;
}

/** Resource classes that Placement knows beside `CUSTOM_…` (os-resource-classes 1.1.0). */
const standardClasses: ReadonlySet<string> = new Set([
  ...['VCPU', 'PCPU', 'MEMORY_MB', 'DISK_GB', 'PCI_DEVICE', 'SRIOV_NET_VF', 'IPV4_ADDRESS', 'FPGA', 'PGPU'],
  ...['NUMA_SOCKET', 'NUMA_CORE', 'NUMA_THREAD', 'NUMA_MEMORY_MB', 'VGPU', 'VGPU_DISPLAY_HEAD'],
  ...['NET_BW_EGR_KILOBIT_PER_SEC', 'NET_BW_IGR_KILOBIT_PER_SEC', 'MEM_ENCRYPTION_CONTEXT'],
  ...['NET_PACKET_RATE_KILOPACKET_PER_SEC', 'NET_PACKET_RATE_EGR_KILOPACKET_PER_SEC'],
  'NET_PACKET_RATE_IGR_KILOPACKET_PER_SEC',
]);

const groupKey = /^(resources|trait)([a-zA-Z0-9_-]{1,64})?:(.*)$/s;

/** The unnumbered group stands under the empty name. */
export class RequestGroups {
  readonly #groups = new Map<string, RequestGroup>();

  /** What `resources…:CLASS` and `trait…:NAME` ask for. What Placement could not read is left out, as Nova does with a warning. */
  constructor(extraSpecs: Readonly<Record<string, string>>) {
    for (const [key, value] of Object.entries(extraSpecs)) {
      const [, kind, suffix = '', name = ''] = groupKey.exec(key) ?? [];
      if (kind === 'resources') this.addResource(name, wholeNumber(value), suffix);
      else if (kind === 'trait') this.addTrait(name, value, suffix);
    }
  }

  of(suffix = ''): RequestGroup {
    const group = this.#groups.get(suffix) ?? {
      resources: new Map(),
      required: new Set(),
      forbidden: new Set(),
    };
    this.#groups.set(suffix, group);
    return group;
  }

  /** The amount takes the place of an earlier one; undefined: none that can be. */
  addResource(name: string, amount: number | undefined, suffix = ''): void {
    if (amount === undefined || !(name.startsWith('CUSTOM_') || standardClasses.has(name))) return;
    this.of(suffix).resources.set(name, amount);
  }

  addTrait(name: string, kind: string, suffix = ''): void {
    if (kind === 'required' || kind === 'forbidden') this.of(suffix)[kind].add(name);
  }

  /** True when any group names the class, with an amount of 0 too. */
  names(resourceClass: string): boolean {
    return [...this.#groups.values()].some(({ resources }) => resources.has(resourceClass));
  }
}

/** A whole number from 0, as Python reads one: blanks around it, a sign, single underscores between digits. */
function wholeNumber(text: string): number | undefined {
  if (!/^\s*[+-]?\d+(_\d+)*\s*$/.test(text)) return undefined;
  const value = Number(text.replaceAll('_', ''));
  return value >= 0 ? Math.abs(value) : undefined;
}
