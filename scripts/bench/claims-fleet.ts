/** A control plane with hosts that nobody has to run an agent for, and what a client needs to reach it. */
import type { ControlPlane } from '../../controlplane/main.js';
import { issueWithKey } from '../../controlplane/security/certificates.js';
import { certificatePem } from '../../proto/wire/csr.js';
import { codec } from '../../proto/wire/load.js';

export interface BenchHost {
  readonly vcpus: number;
  readonly memoryBytes: number;
  readonly diskBytes: number;
}

/** How a client in another process reaches a control plane. */
export interface Reach {
  readonly address: string;
  readonly authorityPem: string;
  readonly keyPem: string;
  readonly certificatePem: string;
}

/** Hosts that join at once: a commit of the store takes them together. */
const together = 1_000;

/** Makes `count` hosts that count as up and controllable; those that have joined before are only woken. */
export async function serveHosts(
  plane: ControlPlane,
  count: number,
  capacityOf: (index: number) => BenchHost,
): Promise<void> {
  for (let first = 0; first < count; first += together) {
    const ids = Array.from({ length: Math.min(together, count - first) }, (_, at) => `bench-${first + at}`);
    await Promise.all(ids.map((id, at) => join(plane, id, capacityOf(first + at))));
    for (const id of ids) wake(plane, id);
  }
}

async function join({ fleet }: ControlPlane, id: string, capacity: BenchHost): Promise<void> {
  if (fleet.directory.get(id)) return;
  await fleet.directory.enrol(id, id, () => ({ availabilityZone: 'nova', capacity }));
}

function wake({ fleet }: ControlPlane, id: string): void {
  const messages = codec('AgentMessage');
  const hello = { lowestVersion: 1, highestVersion: 1, agentVersion: 'bench', sessionId: '' };
  const { session } = fleet.sessions.open(id, { ...hello, received: 0, desiredDigest: '', bootId: '' });
  fleet.heard(session);
  for (const body of [{ heartbeat: { hypervisorReachable: true } }, { domains: {} }])
    fleet.take(session, messages.decode(messages.encode(body)));
}

/** An operator's certificate for an hour. */
export async function reachOf(plane: ControlPlane, name: string): Promise<Reach> {
  const times = { nowMs: Date.now(), lifetimeMs: 3_600_000 };
  const issued = await issueWithKey(plane.authority, { name, role: 'operator' }, times);
  return {
    address: plane.apiAddress,
    authorityPem: plane.authority.certificatePem,
    keyPem: issued.keyPem,
    certificatePem: certificatePem(issued.certificateDer),
  };
}
