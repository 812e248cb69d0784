/** A key pair and a PKCS#10 request for it: what a host or an operator makes before it asks for a certificate. */
import 'reflect-metadata';
import { webcrypto } from 'node:crypto';
import * as x509 from '@peculiar/x509';

x509.cryptoProvider.set(webcrypto as unknown as Crypto);

/** P-256 signatures: every key that Drover makes is of this kind. */
export const ecdsaP256 = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;

/** Largest PKCS#10 request that is read. One with an RSA-4096 key takes about 1.2 KiB. */
export const maximumRequestBytes = 8 * 1024;

export interface KeyAndRequest {
  /** PKCS#8, PEM. It never leaves the machine. */
  readonly keyPem: string;
  /** PKCS#10, DER. */
  readonly requestDer: Buffer;
}

/** A fresh ECDSA P-256 key and a request signed with it. The authority ignores the subject `name`: it gives its own. */
export async function makeKeyAndRequest(name: string): Promise<KeyAndRequest> {
  const keys = await webcrypto.subtle.generateKey(ecdsaP256, true, ['sign', 'verify']);
  const request = await x509.Pkcs10CertificateRequestGenerator.create({
    name: [{ CN: [name] }],
    keys,
    signingAlgorithm: ecdsaP256,
  });
  return { keyPem: await privateKeyPem(keys.privateKey), requestDer: Buffer.from(request.rawData) };
}

/** A private key as PKCS#8 PEM. */
export async function privateKeyPem(key: webcrypto.CryptoKey): Promise<string> {
  return x509.PemConverter.encode(await webcrypto.subtle.exportKey('pkcs8', key), 'PRIVATE KEY') + '\n';
}

/** A certificate's DER bytes as PEM. */
export function certificatePem(der: Uint8Array): string {
  return x509.PemConverter.encode(Uint8Array.from(der).buffer, 'CERTIFICATE') + '\n';
}

type Crypto = Parameters<typeof x509.cryptoProvider.set>[0];
