/** Calls a control plane of this process as an operator, over its real API. */
import * as grpc from '@grpc/grpc-js';
import type { ControlPlane } from '../../controlplane/main.js';
import { issueWithKey } from '../../controlplane/security/certificates.js';
import { certificatePem } from '../../proto/wire/csr.js';
import { channelOptions, unaryDeadlineMs } from '../../proto/wire/limits.js';
import { loadContract, type Contract } from '../../proto/wire/load.js';
import { fromServiceError } from '../../proto/wire/remote-error.js';

type Services = 'Fleet' | 'Placement' | 'Tuning' | 'Health' | 'Operations';
type Client<Service extends Services> = InstanceType<Contract[Service]>;
type Unary = (
  request: object,
  options: grpc.CallOptions,
  callback: (error: grpc.ServiceError | null, answer: unknown) => void,
) => unknown;
/** The answer of a method, from the last argument of its generated client function. */
type AnswerOf<Method> = Method extends (
  argument: never,
  callback: grpc.requestCallback<infer Answer>,
) => unknown
  ? Answer
  : never;

/** One call with a certificate made for it. Errors: the DroverError that the control plane sent. */
export async function operatorCall<Service extends Services, Method extends keyof Client<Service> & string>(
  plane: ControlPlane,
  service: Service,
  method: Method,
  request: object,
): Promise<AnswerOf<Client<Service>[Method]>> {
  const issued = await issueWithKey(
    plane.authority,
    { name: 'tester', role: 'operator' },
    { nowMs: Date.now(), lifetimeMs: 60_000 },
  );
  const credentials = grpc.credentials.createSsl(
    Buffer.from(plane.authority.certificatePem),
    Buffer.from(issued.keyPem),
    Buffer.from(certificatePem(issued.certificateDer)),
  );
  const client = new (loadContract()[service])(plane.apiAddress, credentials, channelOptions);
  try {
    return await new Promise((resolve, reject) => {
      const call = (client as unknown as Record<string, Unary>)[method] as Unary;
      call.call(client, request, { deadline: Date.now() + unaryDeadlineMs }, (error, answer) => {
        if (error) reject(fromServiceError(error));
        else resolve(answer as AnswerOf<Client<Service>[Method]>);
      });
    });
  } finally {
    client.close();
  }
}
