/** A process that holds a fleet and its allocations, as a control plane does, and prints its resident memory in bytes. */
import { setTimeout as wait } from 'node:timers/promises';
import { Claims } from '../../controlplane/allocations/claims.js';
import { benchFleet } from './fleet.js';
import { allocationRecords } from './stored-fleet.js';

const [hosts = 10_000, domains = 200_000] = process.argv.slice(2).map(Number);
const registry = benchFleet(hosts);
const claims = new Claims({
  registry,
  commits: { submit: () => Promise.resolve(0) },
  now: () => 0,
  newId: () => 'none',
});
// One after the other: what the store holds of them while it reads is the store's to answer for.
claims.load({ under: (prefix) => (prefix === 'allocation/' ? allocationRecords(hosts, domains) : []) });
await wait(3_000); // what loading left behind is collected by then, or counts
if (claims.list().length !== domains) throw new Error(`${claims.list().length} allocations`);
process.stdout.write(String(process.memoryUsage.rss()));
process.exit(0);
