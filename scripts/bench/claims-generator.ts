/**
 * The load of the claims bench, in a process of its own: reads a `Load` as one line of standard input, keeps its calls in
 * flight for so long, and prints what it saw as one JSON line.
 */
import { text } from 'node:stream/consumers';
import * as grpc from '@grpc/grpc-js';
import type { PlacementClient } from '../../proto/gen/drover/v1/Placement.js';
import { channelOptions } from '../../proto/wire/limits.js';
import { loadContract } from '../../proto/wire/load.js';
import type { Reach } from './claims-fleet.js';

export interface Load {
  readonly reach: Reach;
  readonly warmUpSeconds: number;
  readonly seconds: number;
  /** Calls in flight. */
  readonly lanes: number;
  /** Claims of one call; 1: Claim, more: PlaceMany. */
  readonly batch: number;
}

/** What the load saw. */
export interface Seen {
  readonly claims: number;
  readonly seconds: number;
  readonly latenciesMs: number[];
  /** Of this process, user and system. */
  readonly cpuSeconds: number;
}

const request = { vcpus: 1, memoryMb: 64 };

/** A client with a connection of its own. `more`: options of its channel. */
export function clientOf(
  { address, authorityPem, keyPem, certificatePem }: Reach,
  more: grpc.ChannelOptions = {},
): PlacementClient {
  const [authority, key, certificate] = [authorityPem, keyPem, certificatePem].map((pem) => Buffer.from(pem));
  const credentials = grpc.credentials.createSsl(authority, key, certificate);
  const options = { ...channelOptions, 'grpc.use_local_subchannel_pool': 1, ...more };
  return new (loadContract().Placement)(address, credentials, options);
}

function claim(client: PlacementClient): Promise<void> {
  return new Promise((resolve, reject) =>
    client.claim({ request }, (error) => (error ? reject(error) : resolve())),
  );
}

function placeMany(client: PlacementClient, batch: number): Promise<void> {
  const claims = Array.from({ length: batch }, () => ({ request }));
  return new Promise((resolve, reject) =>
    client.placeMany({ claims, allOrNothing: true }, (error, answer) => {
      const failed = answer?.results.find((result) => result.errorCode !== '');
      if (error || failed || answer?.results.length !== batch)
        reject(error ?? new Error(failed?.error ?? 'not every claim was answered'));
      else resolve();
    }),
  );
}

/** Keeps `lanes` calls in flight for `seconds`. */
async function during(
  seconds: number,
  lanes: number,
  call: () => Promise<void>,
): Promise<Omit<Seen, 'claims'>> {
  const latenciesMs: number[] = [];
  const began = performance.now();
  const before = process.cpuUsage();
  const lane = async (): Promise<void> => {
    while (performance.now() - began < seconds * 1000) {
      const start = performance.now();
      await call();
      latenciesMs.push(performance.now() - start);
    }
  };
  await Promise.all(Array.from({ length: lanes }, lane));
  const { user, system } = process.cpuUsage(before);
  return { seconds: (performance.now() - began) / 1000, latenciesMs, cpuSeconds: (user + system) / 1e6 };
}

async function main(): Promise<void> {
  const { reach, warmUpSeconds, seconds, lanes, batch } = JSON.parse(await text(process.stdin)) as Load;
  const client = clientOf(reach);
  const call = batch === 1 ? () => claim(client) : () => placeMany(client, batch);
  await during(warmUpSeconds, lanes, call);
  const seen = await during(seconds, lanes, call);
  process.stdout.write(JSON.stringify({ ...seen, claims: seen.latenciesMs.length * batch }));
  client.close();
}

process.noDeprecation = true; // grpc-js names the address in TLS also where it is an IP
if (process.argv[1]?.endsWith('claims-generator.js')) await main();
