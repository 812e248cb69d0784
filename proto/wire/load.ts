/** Loads the contract once: service definitions for servers and clients, message codecs for the store. */
import { fileURLToPath } from 'node:url';
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import * as grpc from '@grpc/grpc-js';
import { loadSync, type MessageTypeDefinition, type PackageDefinition } from '@grpc/proto-loader';
import type { ProtoGrpcType as AgentSessionTypes } from '../gen/agent_session.js';
import type { ProtoGrpcType as CatalogTypes } from '../gen/catalog.js';
import type { ProtoGrpcType as FleetTypes } from '../gen/fleet.js';
import type { ProtoGrpcType as HealthTypes } from '../gen/health.js';
import type { ProtoGrpcType as OperationTypes } from '../gen/operation.js';
import type { ProtoGrpcType as PlacementTypes } from '../gen/placement.js';
import type { ProtoGrpcType as RecordTypes } from '../gen/records.js';
import type { ProtoGrpcType as TuningTypes } from '../gen/tuning.js';

/** Every service and message of `drover.v1`. */
export type Contract = AgentSessionTypes['drover']['v1'] &
  FleetTypes['drover']['v1'] &
  HealthTypes['drover']['v1'] &
  OperationTypes['drover']['v1'] &
  PlacementTypes['drover']['v1'] &
  RecordTypes['drover']['v1'] &
  TuningTypes['drover']['v1'] &
  CatalogTypes['drover']['v1'];

const files = ['agent_session', 'fleet', 'placement', 'tuning', 'health', 'operation', 'records', 'catalog'];

let loaded: PackageDefinition | undefined;
let contract: Contract | undefined;

/** The folder that holds `drover/v1/*.proto`: `proto/` of the checkout, also when this runs from `build/`. */
export function protoRoot(): string {
  let folder = dirname(fileURLToPath(import.meta.url));
  while (!existsSync(join(folder, 'proto/drover/v1/fleet.proto'))) {
    if (dirname(folder) === folder) throw new Error('proto/drover/v1 not found above the program');
    folder = dirname(folder);
  }
  return join(folder, 'proto');
}

/** The package definition, as reflection wants it. */
export function packageDefinition(): PackageDefinition {
  loaded ??= loadSync(
    files.map((file) => `drover/v1/${file}.proto`),
    { includeDirs: [protoRoot()], longs: Number, enums: String, defaults: true, oneofs: true },
  );
  return loaded;
}

/** The contract's services and messages. Loaded at the first call (about 40 ms) and kept. */
export function loadContract(): Contract {
  contract ??= (grpc.loadPackageDefinition(packageDefinition()) as unknown as FleetTypes).drover
    .v1 as unknown as Contract;
  return contract;
}

/** Encodes and decodes one message type as protobuf bytes. */
export interface Codec<Input, Output> {
  encode(value: Input): Buffer;
  decode(bytes: Uint8Array): Output;
}

type Definitions = {
  [Name in keyof Contract]: Contract[Name] extends MessageTypeDefinition<infer I, infer O>
    ? Codec<I, O>
    : never;
};

/** The codec of a message, by its name in the contract. `decode` throws on bytes that are not such a message. */
export function codec<Name extends keyof Contract>(name: Name): Definitions[Name] {
  const definition = loadContract()[name] as unknown as MessageTypeDefinition<unknown, unknown>;
  const result: Codec<unknown, unknown> = {
    encode: (value) => definition.serialize(value),
    decode: (bytes) => definition.deserialize(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)),
  };
  return result as unknown as Definitions[Name];
}
