/** Passthrough devices that a host has for its allocations: each goes to one. */
import type { DomainAllocation } from '../../proto/gen/drover/v1/DomainAllocation.js';
import type { PassthroughFacts } from '../../proto/gen/drover/v1/PassthroughFacts.js';

export class DeviceRoom {
  readonly #handedOut: ReadonlySet<string> | undefined;
  readonly #holders: ReadonlyMap<string, string>;
  /** Address to the allocation that has been promised it. */
  readonly #promised = new Map<string, string>();

  /** `facts`: null where they are not known, and then none is missed. `holders`: address to the domain that has the device. */
  constructor(facts: PassthroughFacts | null, holders: ReadonlyMap<string, string>) {
    this.#handedOut = facts ? new Set(facts.devices.map(({ address }) => address)) : undefined;
    this.#holders = holders;
  }

  /** Why an allocation that has no domain here cannot have its devices; undefined: it can. */
  lacking({ pciAddresses }: DomainAllocation): string | undefined {
    for (const address of pciAddresses) {
      const reason = this.#reason(address);
      if (reason !== undefined) return `device ${address} ${reason}`;
    }
    return undefined;
  }

  /** Promises an allocation its devices. */
  take({ id, pciAddresses }: DomainAllocation): void {
    for (const address of pciAddresses) this.#promised.set(address, id);
  }

  #reason(address: string): string | undefined {
    if (this.#handedOut?.has(address) === false)
      return 'is not among the devices that this host hands out (agent.yaml, passthrough)';
    const holder = this.#holders.get(address);
    if (holder !== undefined) return `belongs to domain ${holder}`;
    const other = this.#promised.get(address);
    return other === undefined ? undefined : `is promised to allocation ${other}`;
  }
}
