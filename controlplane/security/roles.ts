/** Who may call what. A call that no row allows is refused. */
import type { PeerCertificate } from 'node:tls';
import { DroverError } from '../../proto/wire/errors.js';

export const roles = ['agent', 'operator', 'controlplane'] as const;
export type Role = (typeof roles)[number];

export interface Caller {
  readonly role: Role;
  /** Host id of an agent, user name of an operator. */
  readonly name: string;
  /** Serial of the presented certificate, hexadecimal, lower case. */
  readonly serial: string;
}

const agent: readonly Role[] = ['agent'];
const operator: readonly Role[] = ['operator'];
const anyone: readonly Role[] = ['agent', 'operator', 'controlplane'];

/** Full service name to the roles that may call it. Enrolment is on a port of its own, where nobody has a role yet. */
export const serviceRoles: Readonly<Record<string, readonly Role[]>> = {
  'drover.v1.AgentSession': agent,
  'drover.v1.Fleet': operator,
  'drover.v1.Placement': operator,
  'drover.v1.Catalog': operator,
  'drover.v1.Tuning': operator,
  'drover.v1.Health': operator,
  'drover.v1.Operations': operator,
  'drover.v1.Enrolment': [],
  'grpc.health.v1.Health': anyone,
  'grpc.reflection.v1.ServerReflection': anyone,
  'grpc.reflection.v1alpha.ServerReflection': anyone,
};

/**
 * Who presents this certificate, which TLS verified when the connection began. Errors: `unauthenticated` without a role
 * of ours, or when it has ended since: a connection may outlive its certificate.
 */
export function callerOf(certificate: PeerCertificate | undefined, nowMs: number): Caller {
  const organization = String(certificate?.subject?.O ?? '');
  const role = roles.find((candidate) => organization === `drover:${candidate}`);
  const name = certificate?.subject?.CN;
  if (!certificate || !role || typeof name !== 'string' || name === '') {
    const cure = 'present a certificate that this control plane issued';
    throw new DroverError('unauthenticated', `the certificate names no role; ${cure}`, {
      field: 'certificate',
      value: organization,
      cure,
    });
  }
  if (Date.parse(certificate.valid_to) <= nowMs) {
    const cure = 'renew it and connect again';
    throw new DroverError(
      'unauthenticated',
      `the certificate of ${name} ended on ${certificate.valid_to}; ${cure}`,
      { field: 'certificate', value: name, cure },
    );
  }
  return { role, name, serial: certificate.serialNumber.toLowerCase() };
}

/** Returns when `caller` may call the method at `path` (`/package.Service/Method`). Errors: `permission-denied`. */
export function authorise(caller: Caller, path: string): void {
  const service = path.split('/')[1] ?? '';
  const allowed = Object.hasOwn(serviceRoles, service) ? serviceRoles[service] : undefined;
  if (allowed?.includes(caller.role)) return;
  const cure = allowed?.length
    ? `use a certificate with role ${allowed.join(' or ')}`
    : 'no role may call this here';
  throw new DroverError(
    'permission-denied',
    `${caller.role} ${caller.name} may not call ${path.slice(1)}; ${cure}`,
    { field: 'role', value: caller.role, cure },
  );
}
