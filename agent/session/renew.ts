/** Renews the host's certificate over the session's channel when two thirds of its life are over. */
import type { RenewCertificateResponse } from '../../proto/gen/drover/v1/RenewCertificateResponse.js';
import { asDroverError, DroverError } from '../../proto/wire/errors.js';
import { unaryDeadlineMs } from '../../proto/wire/limits.js';
import { fromServiceError } from '../../proto/wire/remote-error.js';
import { renewAtMs, type Identity } from './identity.js';
import type { Session } from './session.js';

export interface RenewalOptions {
  readonly session: Session;
  identity(): Identity;
  /** Keeps the renewed identity, on disk before it is used. */
  save(identity: Identity): Promise<void>;
  now(): number;
  readonly log: { info(fields: object, message: string): void; warn(fields: object, message: string): void };
  /** How often to look whether it is time. */
  readonly checkMs?: number;
}

/** Looks now and then whether it is time, and renews; answers how to stop. A renewal that fails is tried at the next look. */
export function keepRenewed(options: RenewalOptions): () => void {
  let busy = false;
  const look = async (): Promise<void> => {
    if (busy || options.now() < renewAtMs(options.identity().certificatePem)) return;
    busy = true;
    try {
      await renew(options);
      options.log.info({ until: renewAtMs(options.identity().certificatePem) }, 'certificate renewed');
    } catch (thrown) {
      options.log.warn({ error: asDroverError(thrown).message }, 'certificate not renewed');
    } finally {
      busy = false;
    }
  };
  const timer = setInterval(() => void look(), options.checkMs ?? 10_000);
  return () => clearInterval(timer);
}

async function renew({ session, identity, save }: RenewalOptions): Promise<void> {
  const { certificatePem, makeKeyAndRequest } = await import('../../proto/wire/csr.js'); // heavy, and needed once in hours
  const before = identity();
  const { keyPem, requestDer } = await makeKeyAndRequest(before.hostId);
  const { certificateDer } = await ask(session, requestDer);
  await save({ ...before, keyPem, certificatePem: certificatePem(certificateDer) });
  session.reconnect();
}

function ask(session: Session, certificateRequestDer: Buffer): Promise<RenewCertificateResponse> {
  const { client } = session;
  if (!client) return Promise.reject(new DroverError('unavailable', 'the control plane is not connected'));
  return new Promise((resolve, reject) => {
    client.renewCertificate(
      { certificateRequestDer },
      { deadline: Date.now() + unaryDeadlineMs },
      (error, answer) => {
        if (error) reject(fromServiceError(error));
        else if (answer) resolve(answer);
        else reject(new DroverError('internal', 'renewal gave no answer'));
      },
    );
  });
}
