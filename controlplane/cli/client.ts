/** Calls to the control plane: one channel with mutual TLS, a deadline on every call, errors as DroverErrors. */
import {
  Client,
  credentials,
  Metadata,
  type ChannelCredentials,
  type ServiceDefinition,
  type ServiceError,
} from '@grpc/grpc-js';
import type { MethodDefinition } from '@grpc/proto-loader';
import type { CatalogDefinition } from '../../proto/gen/drover/v1/Catalog.js';
import type { FleetDefinition } from '../../proto/gen/drover/v1/Fleet.js';
import type { HealthDefinition } from '../../proto/gen/drover/v1/Health.js';
import type { OperationsDefinition } from '../../proto/gen/drover/v1/Operations.js';
import type { PlacementDefinition } from '../../proto/gen/drover/v1/Placement.js';
import type { TuningDefinition } from '../../proto/gen/drover/v1/Tuning.js';
import { DroverError, invalid } from '../../proto/wire/errors.js';
import { channelOptions, unaryDeadlineMs } from '../../proto/wire/limits.js';
import { loadContract } from '../../proto/wire/load.js';
import { callError } from './call-error.js';
import { readCredentials, type Credentials } from './credentials.js';
import type { ContextFile } from './context.js';

interface Services {
  Catalog: CatalogDefinition;
  Fleet: FleetDefinition;
  Health: HealthDefinition;
  Operations: OperationsDefinition;
  Placement: PlacementDefinition;
  Tuning: TuningDefinition;
}

type ServiceName = keyof Services;
/** The methods that a definition names itself, without the index signature that it inherits. */
type MethodName<S extends ServiceName> = keyof {
  [Key in keyof Services[S] as string extends Key ? never : Key]: true;
} &
  string;
type RequestOf<Method> =
  Method extends MethodDefinition<infer Input, infer _A, infer _B, infer _C> ? Input : never;
type AnswerOf<Method> =
  Method extends MethodDefinition<infer _A, infer _B, infer _C, infer Output> ? Output : never;

export interface Api {
  /** One unary call. Errors: what the control plane says, or why it could not be asked, as a DroverError. */
  call<S extends ServiceName, M extends MethodName<S>>(
    service: S,
    method: M,
    request: RequestOf<Services[S][M]>,
  ): Promise<AnswerOf<Services[S][M]>>;
  /** Drops the connection. */
  close(): void;
}

export interface ApiConditions {
  /** Longest wait for each answer. */
  readonly timeoutMs: number;
}

/** A client for the control plane of a context. Connects at the first call. Errors: `invalid-argument` for unreadable or wrong PEM files. */
export function openApi(context: ContextFile, conditions: ApiConditions): Api {
  const own = readCredentials(context);
  const client = new Client(context.address, tlsOf(own, context.file), channelOptions);
  const ask = (service: ServiceName, method: string, request: object) =>
    new Promise<unknown>((resolve, reject) => {
      const { path, requestSerialize, responseDeserialize } = methodOf(service, method);
      // The system's clock and no other: gRPC compares a deadline with it.
      const deadline = Date.now() + conditions.timeoutMs;
      const end = (error: ServiceError | null, answer: unknown) => (error ? reject(error) : resolve(answer));
      client.makeUnaryRequest(
        path,
        requestSerialize,
        responseDeserialize,
        request,
        new Metadata(),
        { deadline },
        end,
      );
    });
  const call = async (service: ServiceName, method: string, request: object) => {
    try {
      return await ask(service, method, request);
    } catch (error) {
      throw await callError(error as ServiceError, context, own, conditions.timeoutMs);
    }
  };
  return { call: call as Api['call'], close: () => client.close() };
}

function methodOf(service: ServiceName, method: string) {
  const definition = (loadContract()[service].service as ServiceDefinition)[method];
  if (!definition) throw new Error(`no method ${service}.${method} in the contract`);
  return definition;
}

function tlsOf({ authority, key, certificate }: Credentials, file: string): ChannelCredentials {
  try {
    return credentials.createSsl(authority, key, certificate);
  } catch (cause) {
    const reason = (cause as Error).message;
    const cure = 'the certificate, its own key and the authority, each as PEM';
    throw new DroverError(
      'invalid-argument',
      `${file}: certificate files cannot be used: ${reason}; want ${cure}`,
      { field: file, cure, cause },
    );
  }
}

/** The value of --timeout in ms; the contract's deadline when it is not given. Errors: `invalid-argument`. */
export function readTimeoutMs(text: string | undefined): number {
  if (text === undefined) return unaryDeadlineMs;
  const seconds = /^\d+(\.\d+)?$/.test(text) ? Number(text) : Number.NaN;
  if (!(seconds >= 0.01 && seconds <= 3600))
    throw invalid('--timeout', text, 'seconds between 0.01 and 3600');
  return Math.round(seconds * 1000);
}
