/** Calls that come by the thousand: their answers are encoded without proto-loader's copy, and they are served lean. */
import type { MethodDefinition, ServiceDefinition } from '@grpc/grpc-js';
import { PlainEncoders } from '../../proto/wire/plain-encoder.js';
import { asFrequent } from './lean-unary.js';

/** The definition of a service whose named methods encode their answers so. `file`: of the contract, such as `placement`. */
export function withPlainAnswers(
  definition: ServiceDefinition,
  file: string,
  methods: readonly string[],
): ServiceDefinition {
  const encoders = new PlainEncoders([file]);
  const changed = methods.map((method) => {
    const known = definition[method];
    if (!known) throw new Error(`no method ${method} in ${file}`);
    const plain = { ...known, responseSerialize: encoders.of(`${method}Response`) };
    return [method, asFrequent(plain as MethodDefinition<unknown, unknown>)];
  });
  return { ...definition, ...Object.fromEntries(changed) } as ServiceDefinition;
}
