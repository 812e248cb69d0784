/** A control plane that gives the same answers every time, over real gRPC with mutual TLS. For tests of its clients only. */
import {
  Metadata,
  Server,
  ServerCredentials,
  status,
  type handleUnaryCall,
  type ServiceError,
} from '@grpc/grpc-js';
import type { HostDetailInput } from '../../proto/gen/drover/v1/HostDetail.js';
import type { HostInput } from '../../proto/gen/drover/v1/Host.js';
import { channelOptions } from '../../proto/wire/limits.js';
import { loadContract } from '../../proto/wire/load.js';
import { DroverError } from '../../proto/wire/errors.js';
import { toServiceError } from '../../proto/wire/remote-error.js';
import * as canned from './canned-messages.js';
import type { Pem } from './throw-away-authority.js';

export interface CannedControlPlane {
  readonly address: string;
  /** Every request that came, oldest first. */
  readonly requests: { method: string; request: Record<string, unknown> }[];
  close(): void;
}

/** Fields of whichever request: canned answers look at few of them. */
interface Request {
  readonly [field: string]: unknown;
  readonly host: string;
  readonly request: { readonly vcpus: number };
  readonly aggregate: { readonly hosts: readonly string[]; readonly id: number };
  readonly flavor: object;
  readonly serverGroup: object;
  readonly settings: Readonly<Record<string, string>>;
  readonly profile: object;
}
/** The answer to a request; undefined: none ever comes. */
type Handler = (request: Request) => object | undefined;

/** Starts it on a free port of 127.0.0.1. */
export async function startCannedControlPlane(authority: string, own: Pem): Promise<CannedControlPlane> {
  const requests: CannedControlPlane['requests'] = [];
  const server = new Server(channelOptions);
  const contract = loadContract();
  for (const [name, handlers] of Object.entries(services())) {
    const definition = contract[name as 'Fleet'].service;
    server.addService(
      definition,
      Object.fromEntries(
        Object.entries(handlers).map(([method, handler]) => [
          method,
          served(`${name}.${method}`, handler, requests),
        ]),
      ),
    );
  }
  const pair = { private_key: Buffer.from(own.key), cert_chain: Buffer.from(own.certificate) };
  const secure = ServerCredentials.createSsl(Buffer.from(authority), [pair], true);
  const port = await new Promise<number>((resolve, reject) =>
    server.bindAsync('127.0.0.1:0', secure, (error, bound) => (error ? reject(error) : resolve(bound))),
  );
  return { address: `127.0.0.1:${port}`, requests, close: () => server.forceShutdown() };
}

function served(
  method: string,
  handler: Handler,
  requests: CannedControlPlane['requests'],
): handleUnaryCall<object, object> {
  return (call, callback) => {
    requests.push({ method, request: call.request as Record<string, unknown> });
    try {
      const answer = handler(call.request as unknown as Request);
      if (answer !== undefined) callback(null, answer);
    } catch (error) {
      callback(error instanceof DroverError ? toServiceError(error) : plainError(error as Error));
    }
  };
}

function plainError(error: Error): Partial<ServiceError> {
  return { code: status.UNKNOWN, details: error.message, metadata: new Metadata() };
}

function known(name: string): void {
  if (name === 'missing')
    throw new DroverError('not-found', 'host missing is not known', {
      field: 'host',
      value: name,
      cure: 'see drover host list',
    });
}

function services(): Record<
  'Catalog' | 'Fleet' | 'Placement' | 'Tuning' | 'Operations' | 'Health',
  Record<string, Handler>
> {
  const looks = new Map<string, number>();
  /** Host to the stage that is followed there. */
  const waits = new Map<string, string>();
  const waitFor = ({ host }: HostDetailInput, kind: string): HostInput | null | undefined => {
    waits.set(host?.id ?? '', kind);
    looks.set(host?.id ?? '', 0);
    return host;
  };
  return {
    Fleet: {
      // Two pages, so that every client must ask for the second.
      ListHosts: ({ availabilityZone, pageToken }) => {
        const all =
          availabilityZone === 'many'
            ? manyHosts()
            : availabilityZone === ''
              ? canned.hosts
              : canned.hosts.filter((host) => host.availabilityZone === availabilityZone);
        const half = Math.ceil(all.length / 2);
        return pageToken === ''
          ? { hosts: all.slice(0, half), nextPageToken: all.length > 1 ? 'second' : '', total: all.length }
          : { hosts: all.slice(half), total: all.length };
      },
      GetHost: ({ host }) => {
        known(host);
        const kind = waits.get(host);
        if (kind !== undefined) {
          looks.set(host, (looks.get(host) ?? 0) + 1);
          const count = looks.get(host) ?? 0;
          return kind === 'again' ? canned.followedAgain(count) : canned.followed(count, kind);
        }
        if (host === 'broken') throw new Error('something of its own');
        return host === 'silent'
          ? undefined
          : host === 'kvm-03.example.org'
            ? { host: canned.hosts[2] }
            : canned.detail;
      },
      UpdateHost: ({ host }) => (known(host), { ...canned.hosts[0] }),
      DeleteHost: ({ host }) => (known(host), {}),
      // kvm-02 is refused; the guests of kvm-04 and kvm-05 can be waited for, and one of kvm-05 does not start.
      MaintainHost: ({ host, state, guests, validateOnly }) => {
        known(host);
        const answer = canned.maintained(String(state), guests === 'stop');
        const refusal = `host ${host} is not drained: leaves -12.0 % headroom in rack 7 (memory, 1 other host); make room or set it right first, or use force`;
        if (host === 'kvm-02' && !validateOnly)
          throw new DroverError('failed-precondition', refusal, { field: 'host', value: host });
        const short = [{ scope: 'rack 7', resource: 'memory', headroomPercent: -12, hosts: 1 }];
        if (validateOnly)
          return host === 'kvm-02'
            ? { ...answer, host: canned.hosts[1], capacity: short, refusals: [refusal] }
            : { ...answer, host: canned.hosts[0] };
        return host === 'kvm-04' ? { ...answer, host: waitFor(canned.followed(0, 'stop'), 'stop') } : answer;
      },
      ResumeHost: ({ host }) => {
        known(host);
        if (host === 'kvm-04') return { host: waitFor(canned.followed(0, 'start'), 'start') };
        if (host === 'kvm-05') return { host: waitFor(canned.followedAgain(0), 'again') };
        const { guests, host: resuming } = canned.maintained('resuming', true);
        const started = { action: 'started', detail: 'was stopped for it' };
        return { host: resuming, guests: guests?.map((guest) => ({ ...guest, ...started })) };
      },
      ListDomains: () => ({ domains: canned.domains, total: canned.domains.length }),
      CreateJoinToken: () => ({
        token:
          'drv1.0192f3a1c0ffee00.c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0LXNlY3I.5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f',
        id: 't0192f3a1',
        expiresUnixMs: canned.cannedNowMs + 600_000,
      }),
    },
    Placement: {
      SelectDestinations: ({ request }) =>
        request.vcpus > 32
          ? { hostsConsidered: 51, filters: [{ filter: 'CoreFilter', hostsLeft: 0 }] }
          : canned.destinations,
      Claim: ({ request }) => {
        if (request.vcpus > 32)
          throw new DroverError('no-valid-host', 'no host of 51 fits: CoreFilter refuses 51', {
            cure: 'see drover place --explain',
          });
        if (request.vcpus === 31) return undefined;
        return { allocation: canned.allocation, hostGeneration: 18 };
      },
      Release: () => ({ allocation: canned.allocation }),
      Move: ({ host }) => ({
        allocation: { ...canned.allocation, hostName: host || 'kvm-04', movedFrom: 'kvm-01', alternates: [] },
        fromHostName: 'kvm-01',
      }),
      Simulate: () => canned.simulation,
      ListAllocations: () => ({ allocations: [canned.allocation], total: 1 }),
      Explain: ({ request }) =>
        request.vcpus > 32
          ? {
              hostsConsidered: 51,
              filters: [{ filter: 'CoreFilter', hostsLeft: 0 }],
              refusals: [{ filter: 'CoreFilter', reason: 'vcpus-short', hosts: 51, soleHosts: 51 }],
              relaxations: [
                {
                  filter: 'CoreFilter',
                  text: 'cpu_allocation_ratio 4.0 -> 4.4 admits 31 hosts',
                  hosts: 31,
                },
              ],
            }
          : canned.explanation,
    },
    Catalog: {
      ListFlavors: () => ({ flavors: canned.flavors, total: canned.flavors.length }),
      PutFlavor: ({ flavor }) => ({ ...flavor, updatedUnixMs: canned.cannedNowMs }),
      DeleteFlavor: () => ({}),
      ListAggregates: () => ({ aggregates: canned.aggregates, total: canned.aggregates.length }),
      PutAggregate: ({ aggregate }) => ({
        ...aggregate,
        id: aggregate.id || 3,
        hostIds: aggregate.hosts,
        updatedUnixMs: canned.cannedNowMs,
      }),
      DeleteAggregate: () => ({}),
      ListServerGroups: () => ({ serverGroups: canned.groups, total: canned.groups.length }),
      CreateServerGroup: ({ serverGroup }) => ({
        ...serverGroup,
        id: canned.groups[1]?.id,
        createdUnixMs: canned.cannedNowMs,
      }),
      DeleteServerGroup: () => ({}),
      ListAvailabilityZones: () => ({ zones: canned.zones }),
      GetSchedulerSettings: () => ({ settings: canned.schedulerSettings, revision: 3 }),
      UpdateSchedulerSettings: ({ settings }) => ({
        settings: canned.schedulerSettings.map((one) => ({
          ...one,
          value:
            settings[String(one.name)] === '' ? one.defaultValue : (settings[String(one.name)] ?? one.value),
        })),
        revision: 4,
      }),
    },
    Tuning: {
      ApplyProfile: ({ profile, validateOnly }) => ({
        profile: { ...profile, revision: validateOnly ? 0 : 4, selectedHosts: 1 },
        created: !validateOnly,
        selectedHosts: ['kvm-01'],
      }),
      ListProfiles: () => ({
        profiles: [
          canned.profile,
          { name: 'quiet', revision: 2, withdrawn: true, createdUnixMs: canned.cannedNowMs },
        ],
      }),
      GetProfile: ({ name }) => {
        if (name !== 'density')
          throw new DroverError('not-found', `profile ${String(name)} is not known`, {
            field: 'name',
            value: String(name),
          });
        return canned.profile;
      },
      WithdrawProfile: () => ({ ...canned.profile, revision: 4, withdrawn: true }),
    },
    Operations: {
      StartOperation: ({ host, kind }) => (
        known(host),
        looks.set(host, 0),
        { ...canned.operation, id: host, kind, state: 'running', endedUnixMs: 0, settings: [], pending: 0 }
      ),
      // Two looks find it running; `stuck` never ends, `failing` fails.
      GetOperation: ({ id }) => {
        const look = (looks.get(String(id)) ?? 0) + 1;
        looks.set(String(id), look);
        if (look <= 2 || id === 'stuck')
          return { ...canned.operation, id, state: 'running', endedUnixMs: 0, settings: [], pending: 0 };
        return id === 'failing'
          ? {
              ...canned.operation,
              id,
              state: 'failed',
              error: 'no answer within 30 s',
              settings: [],
              pending: 0,
            }
          : { ...canned.operation, id };
      },
      ListOperations: () => ({
        operations: [
          { ...canned.operation, settings: [] },
          { ...canned.operation, state: 'failed', error: 'no answer within 30 s', settings: [], pending: 0 },
        ],
      }),
    },
    Health: {
      // Of `many` hosts only the first conditions come.
      ListConditions: ({ onlyNotOk, host }) => {
        const conditions = onlyNotOk
          ? canned.conditions.filter(({ status: text }) => text !== 'ok')
          : canned.conditions;
        return { conditions, total: host === 'many' ? 60_000 : conditions.length };
      },
    },
  };
}

function manyHosts() {
  return Array.from({ length: 2000 }, (_, index) => ({
    ...canned.hosts[0],
    name: `kvm-${index}`,
    id: String(index),
  }));
}
