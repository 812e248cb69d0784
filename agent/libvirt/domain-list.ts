/** Reads domains from libvirt: the cheap list of all of them, and the XML of one. */
import { DroverError } from '../../proto/wire/errors.js';
import type { Lease } from './call-queue.js';
import type { Connection } from './connection.js';
import type { KnownBy } from './domain-cache.js';
import type { DomainSize, ParsedDomain } from './domain-xml.js';
import { parseDomainXml } from './domain-xml.js';
import { uuidOf } from './events.js';
import type { DomainKey, DomainState, ExplicitSettings } from './hypervisor.js';
import type { LibvirtLibrary, Pointer, RawDomainInfo } from './library.js';

/** virDomainState, by number. */
const states: readonly DomainState[] = [
  'unknown',
  'running',
  'blocked',
  'paused',
  'shutdown',
  'shutoff',
  'crashed',
  'pmsuspended',
];

/** virDomainXMLFlags: the definition that the next start takes. */
const xmlInactive = 2;

export interface ListedDomain {
  readonly uuid: string;
  readonly name: string;
  /** -1: not active. */
  readonly id: number;
  readonly state: DomainState;
  readonly vcpus: number;
  readonly memoryBytes: number;
}

/** The word for a virDomainState; `unknown` for what a later libvirt added. */
export function domainState(state: number): DomainState {
  return states[state] ?? 'unknown';
}

/** virDomainStatsTypes: the state alone, for which libvirtd asks no monitor. */
const stateStats = 1;

/** The size of a start of a domain where it is known for sure; undefined: libvirt is asked. */
export type KnownSize = (uuid: string, id: number) => DomainSize | undefined;

/**
 * Every domain, active and not, by name: one virConnectGetAllDomainStats for all of them, and one virDomainGetInfo for each
 * whose size is not known. Both ask libvirtd and never QEMU's monitor. Errors: those of `Connection.call`; a domain that
 * vanishes meanwhile is left out.
 */
export async function listDomains(
  library: LibvirtLibrary,
  connection: Connection,
  lease: Lease,
  known: KnownSize = () => undefined,
): Promise<ListedDomain[]> {
  const array: [Pointer | null] = [null];
  const count = await connection.call(lease, 'list domains', (handle) =>
    library.allStats(handle, stateStats, array, 0),
  );
  if (array[0] === null) return [];
  try {
    const listed: ListedDomain[] = [];
    for (const record of library.pointersAt(array[0], count)) {
      const { domain, value = 0 } = library.statsAt(record, 'state.state');
      const [uuid, id] = [uuidOf(library, domain), library.domainId(domain) | 0];
      const size = known(uuid, id);
      const one = size
        ? { uuid, name: library.domainName(domain), id, state: domainState(value), ...size }
        : await describeDomain(library, connection, lease, domain);
      if (one) listed.push(one);
    }
    return listed.toSorted((a, b) => (a.name < b.name ? -1 : 1));
  } finally {
    library.freeStats(array[0]);
  }
}

/** One domain as the list has it, by virDomainGetInfo; undefined: it has vanished. Errors: those of `Connection.call`. */
export async function describeDomain(
  library: LibvirtLibrary,
  connection: Connection,
  lease: Lease,
  domain: Pointer,
): Promise<ListedDomain | undefined> {
  const name = library.domainName(domain);
  const info: RawDomainInfo = { state: 0, maxMem: 0, memory: 0, nrVirtCpu: 0 };
  try {
    await connection.call(lease, `look at ${name}`, () => library.domainInfo(domain, info));
  } catch (thrown) {
    if ((thrown as { code?: string }).code === 'not-found') return undefined;
    throw thrown;
  }
  return {
    uuid: uuidOf(library, domain),
    name,
    id: library.domainId(domain) | 0,
    state: domainState(info.state),
    vcpus: info.nrVirtCpu,
    memoryBytes: info.maxMem * 1024,
  };
}

/** What spares a part of the reading. */
interface KnownBefore {
  /** See `statusMark`. */
  readonly markOf?: (name: string) => string | undefined;
  /** What the persistent definition said of this start, where that did not change. */
  readonly explicitOf?: (id: number) => ExplicitSettings | undefined;
}

/**
 * What a domain's XML says. Disks and allocation are those of the running domain. Explicit settings are those of its
 * persistent definition: pins and limits that were made while it runs stand in the live XML too, and there nobody can tell
 * an operator's from Drover's own. A transient domain has the live one only.
 */
export async function readDomainXml(
  library: LibvirtLibrary,
  connection: Connection,
  lease: Lease,
  key: DomainKey,
  { markOf, explicitOf }: KnownBefore = {},
): Promise<{ readonly id: number; readonly parsed: ParsedDomain; readonly by: KnownBy }> {
  return withDomain(library, connection, lease, key, async (domain) => {
    const id = library.domainId(domain) | 0;
    const name = library.domainName(domain);
    const by = { name, mark: id === -1 ? undefined : markOf?.(name) };
    const read = async (flags: number) =>
      parseDomainXml(
        await connection.call(lease, `read the XML of ${library.domainName(domain)}`, () =>
          library.domainXml(domain, flags),
        ),
      );
    const live = await read(0);
    if (id === -1) return { id, by, parsed: live };
    const known = explicitOf?.(id);
    const explicit = known ?? (await read(xmlInactive)).view.explicit;
    return {
      id,
      by: { ...by, isPart: known !== undefined },
      parsed: { ...live, view: { ...live.view, explicit } },
    };
  });
}

/**
 * Runs `act` on a domain and frees the reference after. Errors: `not-found`, also when the domain's id is no longer that of
 * the key; those of `Connection.call` and `act`.
 */
export async function withDomain<Result>(
  library: LibvirtLibrary,
  connection: Connection,
  lease: Lease,
  { uuid, id }: DomainKey,
  act: (domain: Pointer) => Promise<Result>,
): Promise<Result> {
  const domain = await connection.call(lease, `find domain ${uuid}`, (handle) =>
    library.lookupByUuid(handle, uuid),
  );
  try {
    if (id !== undefined && (library.domainId(domain) | 0) !== id) throw startedAnew(uuid);
    return await act(domain);
  } finally {
    library.freeDomain(domain);
  }
}

function startedAnew(uuid: string): DroverError {
  return new DroverError('not-found', `the domain was started anew or has ended: ${uuid}`, {
    field: 'domain',
    value: uuid,
  });
}
