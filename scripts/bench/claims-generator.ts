/**
 * The load of the claims bench, in a process of its own: reads a `Load` as one line of standard input, keeps its calls in
 * flight for so long, and prints what it saw as one JSON line. It shares the server's cores, so it is as lean as can be.
 */
import { text } from 'node:stream/consumers';
import * as grpc from '@grpc/grpc-js';
import type { PlacementClient } from '../../proto/gen/drover/v1/Placement.js';
import { channelOptions } from '../../proto/wire/limits.js';
import { loadContract } from '../../proto/wire/load.js';
import { PlainEncoders } from '../../proto/wire/plain-encoder.js';
import { LeanConnection, prepareCall, type PreparedCall } from './claims-connection.js';
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

/** A client of the usual kind with a connection of its own. `more`: options of its channel. */
export function clientOf(
  { address, authorityPem, keyPem, certificatePem }: Reach,
  more: grpc.ChannelOptions = {},
): PlacementClient {
  const [authority, key, certificate] = [authorityPem, keyPem, certificatePem].map((pem) => Buffer.from(pem));
  const credentials = grpc.credentials.createSsl(authority, key, certificate);
  const options = { ...channelOptions, 'grpc.use_local_subchannel_pool': 1, ...more };
  return new (loadContract().Placement)(address, credentials, options);
}

function preparedCall(reach: Reach, batch: number): PreparedCall {
  const encoders = new PlainEncoders(['placement']);
  if (batch === 1)
    return prepareCall(reach, '/drover.v1.Placement/Claim', encoders.of('ClaimRequest')({ request }));
  const claims = Array.from({ length: batch }, () => ({ request }));
  const message = encoders.of('PlaceManyRequest')({ claims, allOrNothing: true });
  return prepareCall(reach, '/drover.v1.Placement/PlaceMany', message);
}

/** How many allocations an answer has: in ClaimResponse, and in each result of PlaceManyResponse, it is the first field. */
function allocationsIn(message: Buffer, batch: number): number {
  if (batch === 1) return message[0] === allocationTag ? 1 : 0;
  let count = 0;
  for (let at = 0; message[at] === allocationTag;) {
    let [length, shift] = [0, 0];
    for (at++; ; at++, shift += 7) {
      length += ((message[at] as number) & 127) * 2 ** shift;
      if ((message[at] as number) < 128) break;
    }
    if (message[++at] === allocationTag) count++;
    at += length;
  }
  return count;
}

const allocationTag = 0x0a;

/** One call; rejects where it was not answered with every allocation. */
function place(connection: LeanConnection, call: PreparedCall, batch: number): Promise<void> {
  return new Promise((resolve, reject) =>
    connection.call(call, (error, message) => {
      if (error) reject(error);
      else if (allocationsIn(message, batch) !== batch) reject(new Error('not every claim was placed'));
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
  const connection = await LeanConnection.open(reach);
  const prepared = preparedCall(reach, batch);
  const call = () => place(connection, prepared, batch);
  await during(warmUpSeconds, lanes, call);
  const seen = await during(seconds, lanes, call);
  process.stdout.write(JSON.stringify({ ...seen, claims: seen.latenciesMs.length * batch }));
  connection.close();
}

process.noDeprecation = true; // grpc-js names the address in TLS also where it is an IP
if (process.argv[1]?.endsWith('claims-generator.js')) await main();
