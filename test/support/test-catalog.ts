/** A catalog over a store in memory, for tests of what stands on it. */
import { Catalog, type CatalogParts } from '../../controlplane/catalog/catalog.js';
import type { GroupMembers } from '../../controlplane/catalog/server-groups.js';
import { Directory } from '../../controlplane/fleet/directory.js';
import { Registry } from '../../controlplane/fleet/registry.js';
import { novaSettings } from '../../controlplane/model/scheduler-settings.js';
import { filters } from '../../controlplane/placement/filters/index.js';
import { rulesOf } from '../../controlplane/placement/select.js';
import { weighers } from '../../controlplane/placement/weighers/index.js';
import { Writer } from '../../controlplane/store/group-commit.js';
import { MemoryStore } from '../../controlplane/store/memory.js';
import type { HostRecord } from '../../proto/gen/drover/v1/HostRecord.js';

/** What placement can do, as `main.ts` tells the catalog. */
export const vocabulary = { filters: filters.map(({ name }) => name), weighers };

export interface TestCatalog {
  readonly store: MemoryStore;
  readonly registry: Registry;
  readonly directory: Directory;
  readonly catalog: Catalog;
  /** Members that a group is said to have, by its id. */
  readonly members: Map<string, GroupMembers>;
  readonly warnings: string[];
  join(name: string, zone?: string): Promise<HostRecord>;
}

/** A catalog as `main.ts` makes it, over `store` where one is given. The clock says 1, 2, 3 and so on. */
export async function openTestCatalog(
  store = new MemoryStore(),
  more: Partial<CatalogParts> = {},
): Promise<TestCatalog> {
  const snapshot = await store.load();
  const commits = new Writer(store, snapshot.revision);
  const registry = new Registry();
  const members = new Map<string, GroupMembers>();
  const warnings: string[] = [];
  let ticks = 0;
  const directory: Directory = new Directory(commits, (id, record) => {
    if (record) return registry.upsert(record);
    registry.remove(id);
    catalog.aggregates.hostRemoved(id);
  });
  const catalog: Catalog = new Catalog({
    commits,
    registry,
    hosts: directory,
    defaults: novaSettings,
    vocabulary,
    rulesOf,
    membersOf: (groupId) => members.get(groupId) ?? { members: [], hosts: [] },
    now: () => ++ticks,
    newId: () => `group-${++ticks}`,
    log: { warn: (fields, message) => void warnings.push(`${message} ${JSON.stringify(fields)}`) },
    ...more,
  });
  for (const view of [directory, catalog]) view.load(snapshot);
  const join = (name: string, zone = ''): Promise<HostRecord> =>
    directory.enrol(`id-${name}`, name, () => ({ availabilityZone: zone, capacity: room }));
  return { store, registry, directory, catalog, members, warnings, join };
}

const room = { vcpus: 16, memoryBytes: 64 * 2 ** 30, diskBytes: 500 * 2 ** 30 };
