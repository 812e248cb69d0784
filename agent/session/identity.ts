/** Who this host is: key, certificate and authority in one file, so that they can never belong to different renewals. */
import { X509Certificate } from 'node:crypto';
import { mkdirSync, readFileSync } from 'node:fs';
import { open, rename } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { z } from 'zod';
import { DroverError } from '../../proto/wire/errors.js';

export interface Identity {
  readonly hostId: string;
  /** HOST:PORT of the control plane's API. */
  readonly sessionAddress: string;
  readonly keyPem: string;
  readonly certificatePem: string;
  readonly authorityPem: string;
}

const schema = z.strictObject({
  hostId: z.string().min(1),
  sessionAddress: z.string().min(1),
  keyPem: z.string().includes('PRIVATE KEY'),
  certificatePem: z.string().includes('BEGIN CERTIFICATE'),
  authorityPem: z.string().includes('BEGIN CERTIFICATE'),
});

/** The identity in `file`; undefined when the host has not joined. Errors: `storage-corrupt` naming the file. */
export function loadIdentity(file: string): Identity | undefined {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
  try {
    return schema.parse(JSON.parse(text));
  } catch (cause) {
    const cure = 'remove it and join again with a fresh token';
    throw new DroverError('storage-corrupt', `${file} is not an identity; ${cure}`, {
      field: file,
      cure,
      cause,
    });
  }
}

/** Writes the identity with mode 0600, whole or not at all. */
export async function saveIdentity(file: string, identity: Identity): Promise<void> {
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  const handle = await open(`${file}.new`, 'w', 0o600);
  try {
    await handle.writeFile(`${JSON.stringify(identity, null, 2)}\n`);
    await handle.sync();
  } finally {
    await handle.close();
  }
  await rename(`${file}.new`, file);
}

/** When to renew, Unix ms: after two thirds of the certificate's life, so that a third is left for tries. */
export function renewAtMs(certificatePem: string): number {
  const certificate = new X509Certificate(certificatePem);
  const from = Date.parse(certificate.validFrom);
  const to = Date.parse(certificate.validTo);
  return from + ((to - from) * 2) / 3;
}

/** True when the certificate's life has ended. */
export function hasExpired(certificatePem: string, nowMs: number): boolean {
  return nowMs >= Date.parse(new X509Certificate(certificatePem).validTo);
}

/** The identity file of a state directory. */
export function identityFile(stateDirectory: string): string {
  return join(stateDirectory, 'identity.json');
}
