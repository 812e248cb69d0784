/** Enrolment: a one-use token and a CSR against a host's certificate; and the renewal of one by its owner. */
import { randomUUID } from 'node:crypto';
import type { EnrolRequest } from '../../proto/gen/drover/v1/EnrolRequest.js';
import type { EnrolResponseInput } from '../../proto/gen/drover/v1/EnrolResponse.js';
import type { HostRecord, HostRecordInput } from '../../proto/gen/drover/v1/HostRecord.js';
import type { JoinTokenRecord } from '../../proto/gen/drover/v1/JoinTokenRecord.js';
import type { RenewCertificateRequest } from '../../proto/gen/drover/v1/RenewCertificateRequest.js';
import type { RenewCertificateResponseInput } from '../../proto/gen/drover/v1/RenewCertificateResponse.js';
import { DroverError, invalid } from '../../proto/wire/errors.js';
import { checkHostName, checkLabels, checkSimpleName } from '../../proto/wire/names.js';
import type { Authority } from '../security/authority.js';
import { agentLifetimeMs, issueCertificate } from '../security/certificates.js';
import type { JoinTokens } from '../security/join-tokens.js';
import type { Caller } from '../security/roles.js';

/** The hosts that the fleet knows. */
export interface HostDirectory {
  find(name: string): HostRecord | undefined;
  /** Errors: `already-exists`, `resource-exhausted`, when a host may not join under this id and name. */
  checkJoin(id: string, name: string): void;
  /** Makes a record from the newest one durable before it resolves. */
  enrol(
    id: string,
    name: string,
    make: (newest: HostRecord | undefined) => HostRecordInput,
  ): Promise<HostRecord>;
}

export interface EnrolmentOptions {
  readonly authority: Authority;
  readonly tokens: JoinTokens;
  readonly directory: HostDirectory;
  /** HOST:PORT of AgentSession, as hosts reach it. */
  readonly sessionAddress: string;
  readonly defaultZone: string;
  now(): number;
  readonly lifetimeMs?: number;
}

/** Enrolments that are worked on at once; each costs two durable writes and a signature, about 2 ms. */
export const maximumEnrolments = 64;

/**
 * The handler of Enrol. The same machine with a fresh token for its name keeps its host id. Errors: `unauthenticated` (token),
 * `already-exists` (another machine has the name), `invalid-argument`, `resource-exhausted` over 64 at once.
 */
export function enrolHandler(
  options: EnrolmentOptions,
): (request: EnrolRequest) => Promise<EnrolResponseInput> {
  const joining = new Set<string>();
  return async (request) => {
    checkRequest(request);
    const token = options.tokens.check(request.token, request.hostName);
    if (joining.size >= maximumEnrolments) throw busy(`${maximumEnrolments} hosts are joining`);
    if (joining.has(request.hostName)) throw busy(`${request.hostName} is joining already`);
    joining.add(request.hostName);
    try {
      return await enrol(options, request, token);
    } finally {
      joining.delete(request.hostName);
    }
  };
}

async function enrol(
  options: EnrolmentOptions,
  request: EnrolRequest,
  token: JoinTokenRecord,
): Promise<EnrolResponseInput> {
  const { authority, tokens, directory, lifetimeMs = agentLifetimeMs } = options;
  const known = directory.find(request.hostName);
  if (known && known.machineId !== request.machineId) throw taken(known);
  if (known && token.hostName === '') throw unbound(known);
  const hostId = known?.id ?? randomUUID();
  directory.checkJoin(hostId, request.hostName);
  const life = { nowMs: options.now(), lifetimeMs };
  // Signed before the token is spent, so that a bad CSR costs no token; given only after both writes are durable.
  const issued = await issueCertificate(
    authority,
    request.certificateRequestDer,
    { name: hostId, role: 'agent' },
    life,
  );
  await tokens.redeem(request.token, request.hostName, hostId);
  await directory.enrol(hostId, request.hostName, (newest) =>
    recordOf(request, options, issued.serial, newest),
  );
  return {
    hostId,
    certificateDer: issued.certificateDer,
    authorityCertificateDer: authority.certificateDer,
    sessionAddress: options.sessionAddress,
  };
}

/** What an operator has set on a known host stays; what the machine says of itself is taken anew. */
function recordOf(
  request: EnrolRequest,
  options: EnrolmentOptions,
  serial: string,
  known: HostRecord | undefined,
): HostRecordInput {
  return {
    ...known,
    availabilityZone: request.availabilityZone || known?.availabilityZone || options.defaultZone,
    labels: Object.keys(request.labels).length > 0 ? request.labels : (known?.labels ?? {}),
    machineId: request.machineId,
    certificateSerial: serial,
    simulated: request.simulated,
    enrolledUnixMs: options.now(),
  };
}

function checkRequest(request: EnrolRequest): void {
  checkHostName(request.hostName);
  checkLabels(request.labels);
  if (request.availabilityZone !== '') checkSimpleName(request.availabilityZone, 'availability_zone');
  if (!/^[A-Za-z0-9_.:-]{1,128}$/.test(request.machineId))
    throw invalid(
      'machine_id',
      request.machineId,
      'letters, digits, hyphens, 1 to 128, such as /etc/machine-id',
    );
  if (request.token.length > 256)
    throw invalid('token', `${request.token.length} characters`, 'a token as drover token create printed it');
}

/**
 * The handler of RenewCertificate: a fresh certificate for the caller, whatever name the CSR has. Errors:
 * `unauthenticated` when `isEnrolled` no longer knows the host; `invalid-argument` (CSR).
 */
export function renewHandler(
  options: Pick<EnrolmentOptions, 'authority' | 'now' | 'lifetimeMs'>,
  isEnrolled: (hostId: string) => boolean,
) {
  return async (request: RenewCertificateRequest, caller: Caller): Promise<RenewCertificateResponseInput> => {
    if (!isEnrolled(caller.name)) {
      const cure = 'join again with a new token';
      throw new DroverError('unauthenticated', `host ${caller.name} is not enrolled any more; ${cure}`, {
        field: 'host',
        value: caller.name,
        cure,
      });
    }
    const life = { nowMs: options.now(), lifetimeMs: options.lifetimeMs ?? agentLifetimeMs };
    const issued = await issueCertificate(
      options.authority,
      request.certificateRequestDer,
      { name: caller.name, role: 'agent' },
      life,
    );
    return { certificateDer: issued.certificateDer };
  };
}

function taken(known: HostRecord): DroverError {
  const cure = `choose another name, or first forget that host with drover host delete ${known.name}`;
  return new DroverError(
    'already-exists',
    `host_name ${known.name} belongs to another machine (host ${known.id}); ${cure}`,
    { field: 'host_name', value: known.name, cure },
  );
}

/** A machine id is no secret: whoever has any token could take over a host that is known. */
function unbound({ name }: HostRecord): DroverError {
  const cure = `create one with drover token create --host ${name}`;
  return new DroverError(
    'unauthenticated',
    `host ${name} is known: to join again it needs a join token of its own; ${cure}`,
    { field: 'token', cure },
  );
}

function busy(fault: string): DroverError {
  const cure = 'retry in a moment';
  return new DroverError('resource-exhausted', `${fault}; ${cure}`, { field: 'enrolment', cure });
}
