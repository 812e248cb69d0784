/** Records of a fleet with its allocations, as the store of a control plane holds them. */
import type { StoredRecord } from '../../controlplane/store/store.js';
import { codec } from '../../proto/wire/load.js';

/** `domains` allocations, spread evenly over `hosts`, one after the other. */
export function* allocationRecords(hosts: number, domains: number): Generator<StoredRecord> {
  const messages = codec('Allocation');
  for (let index = 0; index < domains; index++) {
    const allocation = allocationOf(index, index % hosts, Math.floor(index / hosts));
    yield { key: `allocation/${allocation.id}`, value: Uint8Array.from(messages.encode(allocation)) };
  }
}

/** The hosts that these allocations are on. */
export function* hostRecords(hosts: number): Generator<StoredRecord> {
  const messages = codec('HostRecord');
  for (let index = 0; index < hosts; index++) {
    const [id, name] = namesOf(index);
    const capacity = { vcpus: 64, memoryBytes: 2 ** 38, diskBytes: 2 ** 42 };
    const record = { id, name, availabilityZone: `az${index % 3}`, capacity };
    yield { key: `host/${id}`, value: Uint8Array.from(messages.encode(record)) };
  }
}

function namesOf(host: number): [id: string, name: string] {
  const number = String(host).padStart(6, '0');
  return [`h${number}`, `kvm-${number}`];
}

function allocationOf(count: number, host: number, index: number) {
  const [hostId, hostName] = namesOf(host);
  const [name, number] = [String(host).padStart(6, '0'), String(index).padStart(12, '0')];
  return {
    id: `00000000-${name}-4000-8000-${number}`,
    ...{ hostId, hostName },
    vcpus: 1,
    memoryMb: 2048,
    diskMb: 20_480,
    idempotencyKey: `key-${host}-${index}`,
    instanceUuid: `11111111-${name}-4000-8000-${number}`,
    createdUnixMs: 1_700_000_000_000 + index,
    createdBy: 'bench',
    state: 'confirmed',
    flavor: 'm1.small',
    projectId: `project-${host % 500}`,
    attempts: 1,
    revision: count,
    seed: 2 ** 40 + count,
    hostGeneration: index + 1,
  };
}
