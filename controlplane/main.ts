/** Puts the control plane's rooms together: store, views, services, servers. */
import { randomBytes, randomInt, randomUUID } from 'node:crypto';
import { join } from 'node:path';
import type { ServiceDefinition, UntypedServiceImplementation } from '@grpc/grpc-js';
import type { DroverError } from '../proto/wire/errors.js';
import { loadContract } from '../proto/wire/load.js';
import { Claims } from './allocations/claims.js';
import { timeIds } from './allocations/time-ids.js';
import { sessionHandler, type SessionStream } from './api/agent-session.js';
import { identify, open, unary } from './api/answer.js';
import { catalogHandlers } from './api/catalog.js';
import { enrolHandler, renewHandler } from './api/enrolment.js';
import { fleetHandlers } from './api/fleet.js';
import { healthHandlers } from './api/health.js';
import { maintenanceHandlers } from './api/maintenance.js';
import { operationHandlers } from './api/operations.js';
import { placementHandlers } from './api/placement.js';
import { withPlainAnswers } from './api/plain-answers.js';
import { startServers, type Service } from './api/server.js';
import { tuningHandlers } from './api/tuning.js';
import { Catalog } from './catalog/catalog.js';
import type { ControlPlaneConfig } from './config.js';
import { FleetControl } from './fleet/control.js';
import { Directory } from './fleet/directory.js';
import { liveness } from './fleet/liveness.js';
import { HostLocks } from './fleet/host-locks.js';
import { Registry } from './fleet/registry.js';
import { ReportedTwice } from './fleet/reported-twice.js';
import { Sessions } from './fleet/sessions.js';
import { StartPermits } from './fleet/start-permits.js';
import { Maintenance } from './maintenance/maintenance.js';
import { novaSettings } from './model/scheduler-settings.js';
import { Operations } from './operations/operations.js';
import { filters } from './placement/filters/index.js';
import { rulesOf } from './placement/select.js';
import { weighers } from './placement/weighers/index.js';
import { Profiles } from './profiles/profiles.js';
import { openAuthority, type Authority } from './security/authority.js';
import { JoinTokens } from './security/join-tokens.js';
import type { Caller } from './security/roles.js';
import { Writer } from './store/group-commit.js';
import { collectLoaded } from './store/collect-loaded.js';
import { openLmdbStore } from './store/lmdb.js';
import type { Store } from './store/store.js';

export interface Log {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
}

export interface ControlPlane {
  /** HOST:PORT as clients reach it: the first advertised name, or the address that was listened on. */
  readonly apiAddress: string;
  readonly enrolAddress: string;
  readonly authority: Authority;
  readonly fleet: FleetControl;
  /** Locks of hosts, for whoever works on one from within the process: rollouts. */
  readonly locks: HostLocks;
  readonly permits: StartPermits;
  /** Resolves when nothing can be stored any more; the control plane is closing then, and its process should end. */
  readonly failed: Promise<DroverError>;
  /** May be called again; ends when everything is closed. */
  close(): Promise<void>;
}

/** How often silent hosts are looked for. */
const sweepMs = 1_000;

/**
 * Opens the store, builds the views from it and serves. `openStore`: opens the store in a folder. Errors: those of the
 * store, the authority and the addresses.
 */
export async function startControlPlane(
  config: ControlPlaneConfig,
  log: Log,
  openStore: (folder: string) => Promise<Store> = openLmdbStore,
): Promise<ControlPlane> {
  const store = await openStore(join(config.state_directory, 'store'));
  try {
    return await serve(config, log, store);
  } catch (error) {
    await store.close();
    throw error;
  }
}

async function serve(config: ControlPlaneConfig, log: Log, store: Store): Promise<ControlPlane> {
  const authority = await openAuthority(join(config.state_directory, 'authority'), Date.now());
  const snapshot = await store.load();
  let fail: (error: DroverError) => void = () => undefined;
  const failed = new Promise<DroverError>((resolve) => (fail = resolve));
  const commits = new Writer(store, snapshot.revision, undefined, (error) => fail(error));
  const registry = new Registry({
    defaults: overcommitOf(config),
    defaultAvailabilityZone: config.default_availability_zone,
  });
  const claims = new Claims({
    registry,
    commits,
    now: Date.now,
    newId: timeIds(Date.now, randomBytes),
    newSeed,
    rules: () => catalog.rules(),
    groupOf: (id) => catalog.groups.get(id),
    claimTtlMs: config.claim_ttl_seconds * 1000,
    releasesOrphans: config.release_orphans,
    log,
    domainsOf: (hostId) => fleet.domainsKnown(hostId),
    freed: (hostId) => fleet.accountDomains(hostId),
    changed: (hostId) => fleet.allocationsChanged(hostId),
  });
  const operations = new Operations({ newId: randomUUID, now: Date.now });
  let isLoaded = false;
  const directory: Directory = new Directory(commits, (id, record) => {
    if (!record) {
      registry.remove(id);
      return catalog.aggregates.hostRemoved(id);
    }
    registry.upsert(record);
    registry.setForcedDown(id, record.forcedDown);
    if (isLoaded) fleet.hostChanged(record);
  });
  const catalog: Catalog = new Catalog({
    commits,
    registry,
    hosts: directory,
    defaults: { ...novaSettings, defaultAvailabilityZone: config.default_availability_zone },
    vocabulary: { filters: filters.map(({ name }) => name), weighers },
    rulesOf,
    membersOf: (groupId) => claims.membersOf(groupId),
    now: Date.now,
    newId: randomUUID,
    log,
  });
  const profiles: Profiles = new Profiles(commits, Date.now, () => fleet.desiredChanged());
  const rule = { serviceDownTimeMs: config.service_down_time * 1000 };
  const sessions = new Sessions(randomUUID);
  const isHeard = (hostId: string): boolean =>
    liveness(sessions.get(hostId)?.lastSeenMs ?? 0, Date.now(), rule) === 'up';
  const maintenance = new Maintenance({
    directory,
    sessions,
    registry,
    guestsOf: (host) => profiles.desiredFor(host).guests,
    covers: (hostId, domain) => claims.covers(hostId, domain),
    isHeard,
    now: Date.now,
    newId: randomUUID,
    log,
  });
  const permits = new StartPermits({
    limits: config.start_limits,
    labelsOf: (hostId) => directory.get(hostId)?.labels ?? {},
    grant: (hostId, uuids) =>
      sessions.get(hostId)?.link.send('startGrant', { startGrant: { uuids: [...uuids] } }, false),
    now: Date.now,
    log,
  });
  const twice = new ReportedTwice({
    sessions,
    instances: registry.columns.instances,
    hostAt: (row) => registry.columns.records[row],
    isHeard,
    now: Date.now,
    log,
  });
  const fleet: FleetControl = new FleetControl({
    directory,
    sessions,
    watchers: [maintenance, permits, twice],
    registry,
    profiles,
    operations,
    allocations: claims,
    rule,
    now: Date.now,
    log,
  });
  for (const view of [directory, catalog, profiles, claims]) view.load(snapshot);
  await claims.migrate();
  isLoaded = true;
  const tokens = new JoinTokens(
    snapshot,
    (writes) => commits.submit(writes),
    authority.fingerprint,
    Date.now,
  );
  snapshot.close();
  collectLoaded();

  const lifetimeMs = config.certificate_hours * 3_600_000;
  let sessionAddress = '';
  const enrolment = enrolHandler({
    authority,
    tokens,
    directory,
    get defaultZone() {
      return catalog.settings.current.defaultAvailabilityZone;
    },
    now: Date.now,
    lifetimeMs,
    get sessionAddress() {
      return sessionAddress;
    },
  });
  const renew = renewHandler(
    { authority, now: Date.now, lifetimeMs },
    (hostId) => directory.get(hostId) !== undefined,
  );
  const hostOf = (call: SessionStream): string =>
    identify(call, '/drover.v1.AgentSession/Session', Date.now()).name;
  const contract = loadContract();
  const placement = withPlainAnswers(
    contract.Placement.service,
    'placement',
    ['Claim', 'PlaceMany', 'Release', 'Move', 'ListAllocations'],
    { PlaceMany: ['ClaimRequest', 'PlacementRequest'] },
  );
  const servers = await startServers({
    authority,
    addresses: namesOf(config),
    apiListen: config.listen,
    enrolmentListen: config.enrol_listen,
    apiServices: [
      service('Fleet', contract.Fleet.service, {
        ...fleetHandlers(fleet, tokens),
        ...maintenanceHandlers(fleet, maintenance),
      }),
      service('Placement', placement, placementHandlers({ registry, claims, catalog, newSeed })),
      service('Catalog', contract.Catalog.service, catalogHandlers(catalog, registry)),
      service('Tuning', contract.Tuning.service, tuningHandlers(fleet)),
      service('Health', contract.Health.service, healthHandlers(fleet)),
      service('Operations', contract.Operations.service, operationHandlers(fleet)),
      {
        definition: contract.AgentSession.service,
        implementation: {
          Session: sessionHandler({ fleet, hostOf, log }),
          RenewCertificate: unary('drover.v1.AgentSession', 'RenewCertificate', renew),
        },
      },
    ],
    enrolmentServices: [
      {
        definition: contract.Enrolment.service,
        implementation: {
          Enrol: open('/drover.v1.Enrolment/Enrol', enrolment),
        },
      },
    ],
    renewalFailed: (error) => log.warn({ error: String(error) }, 'server certificate not renewed'),
    now: Date.now,
  });
  sessionAddress = reach(config.listen, config.advertise, servers.apiPort);
  if (config.advertise.length === 0 && isEverywhere(hostPart(config.listen)))
    log.warn(
      { listen: config.listen, address: sessionAddress },
      'hosts that join are told a loopback address: set advertise to a name that they can reach',
    );
  const sweeping = setInterval(() => {
    fleet.sweep();
    void claims.sweep();
  }, sweepMs);
  const close = once(async () => {
    clearInterval(sweeping);
    fleet.stop();
    operations.close();
    await servers.shutdown(2_000);
    await store.close();
  });
  void failed.then(({ message }) => {
    log.warn({ error: message }, 'nothing can be stored any more: closing');
    return close();
  });
  return {
    apiAddress: sessionAddress,
    enrolAddress: reach(config.enrol_listen, config.advertise, servers.enrolmentPort),
    authority,
    fleet,
    locks: new HostLocks(directory, Date.now),
    permits,
    failed,
    close,
  };
}

/** `work`, done at the first call; every call answers the same promise. */
function once(work: () => Promise<void>): () => Promise<void> {
  let done: Promise<void> | undefined;
  return () => (done ??= work());
}

/** Seeds of 32 bits: long enough that nobody meets the same again, short enough to type. */
const newSeed = (): number => randomInt(1, 2 ** 32);

type Handler = (request: never, caller: Caller) => Promise<unknown>;

/** A service whose every method is framed by `unary`: authorised, with a deadline, errors mapped. */
function service(name: string, definition: ServiceDefinition, handlers: Record<string, Handler>): Service {
  const framed = Object.entries(handlers).map(([method, handler]) => [
    method,
    unary(`drover.v1.${name}`, method, handler as (request: unknown, caller: Caller) => Promise<unknown>),
  ]);
  return { definition, implementation: Object.fromEntries(framed) as UntypedServiceImplementation };
}

function overcommitOf(config: ControlPlaneConfig) {
  return {
    cpuAllocationRatio: config.cpu_allocation_ratio,
    ramAllocationRatio: config.ram_allocation_ratio,
    diskAllocationRatio: config.disk_allocation_ratio,
    reservedHostCpus: config.reserved_host_cpus,
    reservedHostMemoryMb: config.reserved_host_memory_mb,
    reservedHostDiskMb: config.reserved_host_disk_mb,
  };
}

/** Names and addresses that the servers' certificate carries. */
function namesOf({ advertise, listen, enrol_listen: enrol }: ControlPlaneConfig): string[] {
  const bound = [listen, enrol].map(hostPart).filter((host) => !isEverywhere(host));
  return [...new Set([...advertise, ...bound, 'localhost', '127.0.0.1'])];
}

function reach(listen: string, advertise: readonly string[], port: number): string {
  const bound = hostPart(listen);
  const host = advertise[0] ?? (isEverywhere(bound) ? '127.0.0.1' : bound);
  return `${host.includes(':') ? `[${host}]` : host}:${port}`;
}

function isEverywhere(host: string): boolean {
  return host === '0.0.0.0' || host === '::';
}

function hostPart(address: string): string {
  return address.slice(0, address.lastIndexOf(':')).replaceAll(/[[\]]/g, '');
}
