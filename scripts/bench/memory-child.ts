/** A process that holds a fleet and its allocations, as a control plane does, and prints its resident memory in bytes. */
import { setTimeout as wait } from 'node:timers/promises';
import { Claims } from '../../controlplane/allocations/claims.js';
import type { StoredRecord } from '../../controlplane/store/store.js';
import { codec } from '../../proto/wire/load.js';
import { benchFleet } from './fleet.js';

const [hosts = 10_000, domains = 200_000] = process.argv.slice(2).map(Number);
const registry = benchFleet(hosts);
const claims = new Claims({
  registry,
  commits: { submit: () => Promise.resolve(0) },
  now: () => 0,
  newId: () => 'none',
});
const messages = codec('Allocation');
claims.load(records());
await wait(3_000); // what loading left behind is collected by then, or counts
if (claims.list().length !== domains) throw new Error(`${claims.list().length} allocations`);
process.stdout.write(String(process.memoryUsage.rss()));
process.exit(0);

function idOf(host: number): string {
  return `h${String(host).padStart(6, '0')}`;
}

/** One after the other: what the store holds of them while it reads is the store's to answer for. */
function* records(): Generator<StoredRecord> {
  for (let index = 0; index < domains; index++) {
    const allocation = allocationOf(index % hosts, Math.floor(index / hosts));
    const value = Uint8Array.from(messages.encode(allocation));
    yield { key: `allocation/${allocation.id}`, value };
  }
}

function allocationOf(host: number, index: number) {
  const [name, number] = [String(host).padStart(6, '0'), String(index).padStart(12, '0')];
  return {
    id: `00000000-${name}-4000-8000-${number}`,
    hostId: idOf(host),
    hostName: `kvm-${name}`,
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
    revision: index * hosts + host,
    seed: 2 ** 40 + index * hosts + host,
    hostGeneration: index + 1,
  };
}
