/** Answers that are encoded without proto-loader's copy: those of calls that come by the thousand. */
import type { ServiceDefinition } from '@grpc/grpc-js';
import { PlainEncoders } from '../../proto/wire/plain-encoder.js';

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
    return [method, { ...known, responseSerialize: encoders.of(`${method}Response`) }];
  });
  return { ...definition, ...Object.fromEntries(changed) } as ServiceDefinition;
}
