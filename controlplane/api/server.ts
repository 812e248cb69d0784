/** The two gRPC servers: the API over mutual TLS, and enrolment, which asks for no client certificate. */
import {
  experimental,
  Server,
  type ServiceDefinition,
  type UntypedServiceImplementation,
} from '@grpc/grpc-js';
import { ReflectionService } from '@grpc/reflection';
import { HealthImplementation } from 'grpc-health-check';
import { DroverError } from '../../proto/wire/errors.js';
import { channelOptions, maximumMessageBytes } from '../../proto/wire/limits.js';
import { packageDefinition } from '../../proto/wire/load.js';
import type { Authority } from '../security/authority.js';
import { leanMethods, serveLean } from './lean-unary.js';
import { ServerCertificate } from './server-certificate.js';

/** Streams and calls of one connection at a time. An agent needs 2, a busy client sends about 100 at once. */
export const maximumStreams = 256;
/** A host joins once and goes away: idle connections of the enrolment port end after a minute, all after five. */
const enrolmentLimits = {
  'grpc.max_connection_idle_ms': 60_000,
  'grpc.max_connection_age_ms': 300_000,
  'grpc.max_connection_age_grace_ms': 10_000,
};
/** Requests of the enrolment port are a token, a name, labels and a CSR of at most 8 KiB. */
export const maximumEnrolmentBytes = 64 * 1024;
const leanLimits = { receivedBytes: maximumMessageBytes, sentBytes: maximumMessageBytes } as const;
/** Life of a server certificate; it renews at two thirds. */
export const serverLifetimeMs = 7 * 86_400_000;

export interface Service {
  readonly definition: ServiceDefinition;
  readonly implementation: UntypedServiceImplementation;
}

export interface ServersOptions {
  readonly authority: Authority;
  readonly addresses: readonly string[];
  /** HOST:PORT; port 0: any. */
  readonly apiListen: string;
  readonly enrolmentListen: string;
  readonly apiServices: readonly Service[];
  readonly enrolmentServices: readonly Service[];
  /** Told when a renewal of the servers' certificate fails; the old one stays and the next try is within the hour. */
  renewalFailed(error: unknown): void;
  now(): number;
  readonly certificateLifetimeMs?: number;
}

export interface Servers {
  readonly apiPort: number;
  readonly enrolmentPort: number;
  /** Gives both servers a new certificate now. */
  renew(): Promise<void>;
  /** Health answers NOT_SERVING, no new calls; after `deadlineMs` what still runs is cut off. */
  shutdown(deadlineMs: number): Promise<void>;
}

/** Starts both servers. Errors: `unavailable` naming the address that cannot be bound. */
export async function startServers(options: ServersOptions): Promise<Servers> {
  const lifetimeMs = options.certificateLifetimeMs ?? serverLifetimeMs;
  const certificate = new ServerCertificate({
    authority: options.authority,
    addresses: options.addresses,
    lifetimeMs,
    now: options.now,
  });
  await certificate.start(options.renewalFailed);
  const health = new HealthImplementation({ '': 'SERVING' });
  const api = apiServer(options.apiServices, health);
  const enrolment = enrolmentServer(options.enrolmentServices, health);
  const stop = async (deadlineMs: number) => {
    health.setStatus('', 'NOT_SERVING');
    certificate.stop();
    await Promise.all([api, enrolment].map((server) => shutdown(server, deadlineMs)));
  };
  try {
    const apiPort = await listen(api, options.apiListen, certificate, true);
    const enrolmentPort = await listen(enrolment, options.enrolmentListen, certificate, false);
    return { apiPort, enrolmentPort, renew: () => certificate.renew(), shutdown: stop };
  } catch (error) {
    await stop(0);
    throw error;
  }
}

function apiServer(services: readonly Service[], health: HealthImplementation): Server {
  const server = new Server({ ...channelOptions, 'grpc.max_concurrent_streams': maximumStreams });
  for (const { definition, implementation } of services) server.addService(definition, implementation);
  serveLean(server, leanMethods(services), leanLimits);
  health.addToServer(server);
  new ReflectionService(packageDefinition()).addToServer(server);
  return server;
}

function enrolmentServer(services: readonly Service[], health: HealthImplementation): Server {
  const limits = {
    'grpc.max_concurrent_streams': 8,
    'grpc.max_receive_message_length': maximumEnrolmentBytes,
    ...enrolmentLimits,
  };
  const server = new Server({ ...channelOptions, ...limits });
  for (const { definition, implementation } of services) server.addService(definition, implementation);
  health.addToServer(server);
  return server;
}

function listen(
  server: Server,
  address: string,
  certificate: ServerCertificate,
  isMutual: boolean,
): Promise<number> {
  const credentials = experimental.createCertificateProviderServerCredentials(
    certificate,
    isMutual ? certificate : null,
    isMutual,
  );
  return new Promise((resolve, reject) => {
    server.bindAsync(address, credentials, (cause, port) => {
      if (!cause) return resolve(port);
      const cure = 'stop what listens there, or configure another address';
      reject(
        new DroverError('unavailable', `cannot listen on ${address}: ${cause.message}; ${cure}`, {
          field: 'listen',
          value: address,
          cure,
          cause,
        }),
      );
    });
  });
}

function shutdown(server: Server, deadlineMs: number): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => server.forceShutdown(), deadlineMs);
    server.tryShutdown(() => {
      clearTimeout(timer);
      resolve();
    });
  });
}
