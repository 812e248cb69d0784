/** Decision and durable claim as a client sees them: gRPC with mutual TLS, LMDB below, client and server on one machine. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as grpc from '@grpc/grpc-js';
import { checkConfig } from '../../controlplane/config.js';
import { startControlPlane, type ControlPlane } from '../../controlplane/main.js';
import { issueWithKey } from '../../controlplane/security/certificates.js';
import type { PlacementClient } from '../../proto/gen/drover/v1/Placement.js';
import { certificatePem } from '../../proto/wire/csr.js';
import { channelOptions } from '../../proto/wire/limits.js';
import { codec, loadContract } from '../../proto/wire/load.js';
import { print, quantile } from './figure.js';

const hosts = 1_000;
const batch = 100;
const messages = codec('AgentMessage');
const request = { vcpus: 1, memoryMb: 64 };

/** Rates over `seconds` each: `singles` claims in flight one by one, then PlaceMany of 100 with four in flight. */
export async function benchApiClaims(seconds = 5): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'drover-bench-'));
  const quiet = { info: () => undefined, warn: () => undefined };
  const config = checkConfig(
    { state_directory: folder, listen: '127.0.0.1:0', enrol_listen: '127.0.0.1:0' },
    'bench',
  );
  const plane = await startControlPlane(config, quiet);
  try {
    await addHosts(plane);
    const client = await clientOf(plane);
    await during(1, 16, () => claim(client)); // the compiler warms up
    const single = await during(seconds, 16, () => claim(client));
    print({ name: 'claims.api.single.rate', value: single.perSecond, unit: '1/s' });
    print({ name: 'claims.api.single.p99', value: quantile(single.latenciesMs, 0.99), unit: 'ms' });
    const many = await during(seconds, 4, () => placeMany(client));
    print({ name: 'claims.api.batch100.rate', value: many.perSecond * batch, unit: '1/s' });
    print({ name: 'claims.api.batch100.p99', value: quantile(many.latenciesMs, 0.99), unit: 'ms' });
    client.close();
  } finally {
    await plane.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Large hosts that count as up and controllable, so that no claim is refused. */
async function addHosts({ fleet }: ControlPlane): Promise<void> {
  const hello = {
    lowestVersion: 1,
    highestVersion: 1,
    agentVersion: 'bench',
    sessionId: '',
    received: 0,
    desiredDigest: '',
    bootId: '',
  };
  for (let index = 0; index < hosts; index++) {
    const id = `bench-${index}`;
    const capacity = { vcpus: 4096, memoryBytes: 2 ** 43, diskBytes: 2 ** 45 };
    await fleet.directory.enrol(id, id, () => ({ availabilityZone: 'nova', capacity }));
    const { session } = fleet.sessions.open(id, hello);
    fleet.heard(session);
    for (const body of [{ heartbeat: { hypervisorReachable: true } }, { domains: {} }])
      fleet.take(session, messages.decode(messages.encode(body)));
  }
}

async function clientOf(plane: ControlPlane): Promise<PlacementClient> {
  const issued = await issueWithKey(
    plane.authority,
    { name: 'bench', role: 'operator' },
    { nowMs: Date.now(), lifetimeMs: 3_600_000 },
  );
  const credentials = grpc.credentials.createSsl(
    Buffer.from(plane.authority.certificatePem),
    Buffer.from(issued.keyPem),
    Buffer.from(certificatePem(issued.certificateDer)),
  );
  return new (loadContract().Placement)(plane.apiAddress, credentials, channelOptions);
}

function claim(client: PlacementClient): Promise<void> {
  return new Promise((resolve, reject) =>
    client.claim({ request }, (error) => (error ? reject(error) : resolve())),
  );
}

function placeMany(client: PlacementClient): Promise<void> {
  const claims = Array.from({ length: batch }, () => ({ request }));
  return new Promise((resolve, reject) =>
    client.placeMany({ claims, allOrNothing: true }, (error, answer) => {
      const failed = answer?.results.find((result) => result.errorCode !== '');
      if (error || failed) reject(error ?? new Error(failed?.error));
      else resolve();
    }),
  );
}

/** Keeps `lanes` calls in flight for `seconds`. */
async function during(
  seconds: number,
  lanes: number,
  call: () => Promise<void>,
): Promise<{ perSecond: number; latenciesMs: number[] }> {
  const latenciesMs: number[] = [];
  const began = performance.now();
  const lane = async (): Promise<void> => {
    while (performance.now() - began < seconds * 1000) {
      const start = performance.now();
      await call();
      latenciesMs.push(performance.now() - start);
    }
  };
  await Promise.all(Array.from({ length: lanes }, lane));
  return { perSecond: latenciesMs.length / ((performance.now() - began) / 1000), latenciesMs };
}
