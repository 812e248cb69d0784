/**
 * Unary calls that come by the thousand, straight from HTTP/2: grpc-js spends more on such a call (its interceptors, events
 * and promises) than everything behind it. On the wire nothing differs. Any other call, and one that compresses, is left to
 * grpc-js.
 */
import type { IncomingHttpHeaders, ServerHttp2Stream } from 'node:http2';
import type {
  handleUnaryCall,
  MethodDefinition,
  Server,
  ServiceDefinition,
  UntypedServiceImplementation,
} from '@grpc/grpc-js';
import { LeanCall, type LeanLimits, type LeanMethod } from './lean-call.js';

/** A definition whose methods of this mark are served so. */
const frequent = Symbol('frequent');

/** The definition of a method, marked to be served lean. */
export function asFrequent(method: MethodDefinition<unknown, unknown>): MethodDefinition<unknown, unknown> {
  return Object.assign({ ...method }, { [frequent]: true });
}

interface Served {
  readonly definition: ServiceDefinition;
  readonly implementation: UntypedServiceImplementation;
}

/** The methods of services that are marked, by path. */
export function leanMethods(services: readonly Served[]): Map<string, LeanMethod> {
  const methods = new Map<string, LeanMethod>();
  for (const { definition, implementation } of services)
    for (const [name, method] of Object.entries(definition))
      if (frequent in method)
        methods.set(method.path, {
          handler: implementation[name] as handleUnaryCall<unknown, unknown>,
          deserialize: method.requestDeserialize as (bytes: Buffer) => unknown,
          serialize: method.responseSerialize as (value: unknown) => Buffer,
        });
  return methods;
}

type StreamHandler = (interceptors: unknown, stream: ServerHttp2Stream, headers: IncomingHttpHeaders) => void;

/**
 * Takes the calls of these methods off a server's hands; to be called before it listens. False: this grpc-js has its handler
 * of streams elsewhere, and serves everything itself.
 */
export function serveLean(
  server: Server,
  methods: ReadonlyMap<string, LeanMethod>,
  limits: LeanLimits,
): boolean {
  const inner = server as unknown as Record<string, StreamHandler | undefined>;
  const names = ['_streamHandler', '_channelzHandler'];
  if (names.some((name) => typeof inner[name] !== 'function')) return false;
  for (const name of names) {
    const usual = (inner[name] as StreamHandler).bind(server);
    inner[name] = (interceptors, stream, headers) => {
      const method = isPlain(headers) ? methods.get(headers[':path'] as string) : undefined;
      if (method) new LeanCall(stream, headers, method, limits).start();
      else usual(interceptors, stream, headers);
    };
  }
  return true;
}

function isPlain(headers: IncomingHttpHeaders): boolean {
  const { 'content-type': type, 'grpc-encoding': encoding } = headers;
  const isGrpc = type === 'application/grpc' || type === 'application/grpc+proto';
  return isGrpc && (encoding === undefined || encoding === 'identity');
}
