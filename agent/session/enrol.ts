/** Joining: a one-use token and a signing request become this host's identity. The key is made here and stays here. */
import * as grpc from '@grpc/grpc-js';
import type { EnrolRequestInput } from '../../proto/gen/drover/v1/EnrolRequest.js';
import type { EnrolResponse } from '../../proto/gen/drover/v1/EnrolResponse.js';
import { certificatePem, makeKeyAndRequest } from '../../proto/wire/csr.js';
import { DroverError } from '../../proto/wire/errors.js';
import { channelOptions, unaryDeadlineMs } from '../../proto/wire/limits.js';
import { loadContract } from '../../proto/wire/load.js';
import { fromServiceError } from '../../proto/wire/remote-error.js';
import { fetchAuthority, fingerprintOf } from '../../proto/wire/trust.js';
import type { Identity } from './identity.js';

export interface EnrolOptions {
  /** HOST:PORT of the control plane's enrolment. */
  readonly address: string;
  readonly token: string;
  readonly hostName: string;
  readonly labels: Record<string, string>;
  readonly availabilityZone: string;
  readonly machineId: string;
  readonly simulated: boolean;
}

/**
 * Joins the fleet. The control plane is trusted only when the authority in its TLS chain has the fingerprint that the
 * token carries. Errors: `invalid-argument` (token), `unauthenticated`, `already-exists`, `unavailable`.
 */
export async function enrol(options: EnrolOptions): Promise<Identity> {
  const token = options.token.trim();
  const authorityPem = certificatePem(
    await fetchAuthority(options.address, fingerprintOf(token), unaryDeadlineMs),
  );
  const { keyPem, requestDer } = await makeKeyAndRequest(options.hostName);
  const { labels, availabilityZone, machineId, hostName, simulated } = options;
  const answer = await call(options.address, authorityPem, {
    token,
    hostName,
    certificateRequestDer: requestDer,
    labels,
    availabilityZone,
    machineId,
    simulated,
  });
  return {
    hostId: answer.hostId,
    sessionAddress: answer.sessionAddress,
    keyPem,
    certificatePem: certificatePem(answer.certificateDer),
    authorityPem,
  };
}

function call(address: string, authorityPem: string, request: EnrolRequestInput): Promise<EnrolResponse> {
  const client = new (loadContract().Enrolment)(
    address,
    grpc.credentials.createSsl(Buffer.from(authorityPem)),
    channelOptions,
  );
  return new Promise<EnrolResponse>((resolve, reject) => {
    client.enrol(request, { deadline: Date.now() + unaryDeadlineMs }, (error, answer) => {
      if (error) reject(fromServiceError(error));
      else if (answer) resolve(answer);
      else reject(new DroverError('internal', 'enrolment gave no answer'));
    });
  }).finally(() => client.close());
}
