/**
 * Calls that come by the thousand: their answers are encoded without proto-loader's copy, what repeats within a request is
 * decoded once, and they are served lean.
 */
import type { MethodDefinition, ServiceDefinition } from '@grpc/grpc-js';
import { PlainEncoders } from '../../proto/wire/plain-encoder.js';
import { sharedDecoder } from '../../proto/wire/shared-decode.js';
import { asFrequent } from './lean-unary.js';

/**
 * The definition of a service whose named methods are served so. `file`: of the contract, such as `placement`. `repeated`:
 * method to the types of messages that repeat within its request.
 */
export function withPlainAnswers(
  definition: ServiceDefinition,
  file: string,
  methods: readonly string[],
  repeated: Readonly<Record<string, readonly string[]>> = {},
): ServiceDefinition {
  const encoders = new PlainEncoders([file]);
  const changed = methods.map((method) => {
    const known = definition[method];
    if (!known) throw new Error(`no method ${method} in ${file}`);
    const shared = repeated[method];
    const plain = {
      ...known,
      responseSerialize: encoders.of(`${method}Response`),
      ...(shared && { requestDeserialize: sharedDecoder(file, `${method}Request`, shared) }),
    };
    return [method, asFrequent(plain as MethodDefinition<unknown, unknown>)];
  });
  return { ...definition, ...Object.fromEntries(changed) } as ServiceDefinition;
}
