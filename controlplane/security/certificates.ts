/** What the authority signs. The subject is always ours; of a request only the key is taken. */
import 'reflect-metadata';
import { isIP } from 'node:net';
import { createPublicKey, type KeyObject } from 'node:crypto';
import * as x509 from '@peculiar/x509';
import { DroverError, invalid } from '../../proto/wire/errors.js';
import { makeKeyAndRequest, maximumRequestBytes } from '../../proto/wire/csr.js';
import { backdateMs, randomSerial, type Authority } from './authority.js';
import type { Role } from './roles.js';

/** Life of an agent's certificate; agents renew after two thirds of it. */
export const agentLifetimeMs = 86_400_000;

export interface Issued {
  readonly certificateDer: Buffer;
  /** Hexadecimal, lower case. */
  readonly serial: string;
  readonly notAfterUnixMs: number;
}

export interface Subject {
  /** Host id, user name, or name of the control plane. */
  readonly name: string;
  readonly role: Role;
  /** Names and addresses under which a server is reached; none for clients. */
  readonly addresses?: readonly string[];
}

export interface Lifetime {
  readonly nowMs: number;
  readonly lifetimeMs: number;
}

/**
 * A certificate for the key of a PKCS#10 request (DER). CN is the subject's name, O is `drover:<role>`; agents get the
 * URI `drover://host/<id>`. Errors: `invalid-argument` for a request that is too large, unreadable, wrongly signed, or
 * whose key is not P-256, P-384 or RSA of 3072 bits or more.
 */
export async function issueCertificate(
  authority: Authority,
  requestDer: Uint8Array,
  subject: Subject,
  life: Lifetime,
): Promise<Issued> {
  const request = await checkedRequest(requestDer);
  const end = Math.min(life.nowMs + life.lifetimeMs, authority.certificate.notAfter.getTime());
  const certificate = await x509.X509CertificateGenerator.create({
    serialNumber: randomSerial(),
    subject: [{ CN: [subject.name] }, { O: [`drover:${subject.role}`] }],
    issuer: authority.certificate.subjectName,
    notBefore: new Date(life.nowMs - backdateMs),
    notAfter: new Date(end),
    publicKey: request.publicKey,
    signingKey: authority.signingKey as never,
    signingAlgorithm: { name: 'ECDSA', hash: 'SHA-256' },
    extensions: await extensions(authority, request, subject),
  });
  return {
    certificateDer: Buffer.from(certificate.rawData),
    serial: certificate.serialNumber,
    notAfterUnixMs: certificate.notAfter.getTime(),
  };
}

async function extensions(
  authority: Authority,
  request: x509.Pkcs10CertificateRequest,
  subject: Subject,
): Promise<x509.Extension[]> {
  const names = alternativeNames(subject);
  const isServer = subject.role === 'controlplane';
  return [
    new x509.BasicConstraintsExtension(false, undefined, true),
    new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
    new x509.ExtendedKeyUsageExtension([
      isServer ? x509.ExtendedKeyUsage.serverAuth : x509.ExtendedKeyUsage.clientAuth,
    ]),
    await x509.AuthorityKeyIdentifierExtension.create(authority.certificate.publicKey),
    await x509.SubjectKeyIdentifierExtension.create(request.publicKey),
    ...(names.length > 0 ? [new x509.SubjectAlternativeNameExtension(names)] : []),
  ];
}

function alternativeNames({
  name,
  role,
  addresses = [],
}: Subject): { type: 'dns' | 'ip' | 'url'; value: string }[] {
  const reached = addresses.map((value) => ({
    type: isIP(value) ? ('ip' as const) : ('dns' as const),
    value,
  }));
  return role === 'agent' ? [{ type: 'url', value: `drover://host/${name}` }, ...reached] : reached;
}

async function checkedRequest(der: Uint8Array): Promise<x509.Pkcs10CertificateRequest> {
  const field = 'certificate_request_der';
  if (der.byteLength > maximumRequestBytes)
    throw invalid(field, `${der.byteLength} bytes`, `at most ${maximumRequestBytes} bytes`);
  try {
    const request = new x509.Pkcs10CertificateRequest(Uint8Array.from(der).buffer);
    checkKey(createPublicKey({ key: Buffer.from(request.publicKey.rawData), format: 'der', type: 'spki' }));
    if (!(await request.verify()))
      throw invalid(field, 'a wrong signature', 'a request signed with its own key');
    return request;
  } catch (cause) {
    if (cause instanceof DroverError) throw cause;
    throw new DroverError(
      'invalid-argument',
      `${field}: got ${der.byteLength} bytes that are no PKCS#10 request; want DER`,
      { field, cure: 'a PKCS#10 request in DER', cause },
    );
  }
}

function checkKey({ asymmetricKeyType: type, asymmetricKeyDetails: details }: KeyObject): void {
  const isCurve = type === 'ec' && ['prime256v1', 'secp384r1'].includes(details?.namedCurve ?? '');
  const isRsa = type === 'rsa' && (details?.modulusLength ?? 0) >= 3072;
  if (isCurve || isRsa) return;
  const found = `${type} ${details?.namedCurve ?? details?.modulusLength ?? ''}`.trim();
  throw invalid(
    'certificate_request_der',
    `a key of kind ${found}`,
    'P-256, P-384 or RSA of at least 3072 bits',
  );
}

export interface KeyAndCertificate extends Issued {
  readonly keyPem: string;
}

/** A fresh key with a certificate for it: for the control plane's own servers and for an operator at the first start. */
export async function issueWithKey(
  authority: Authority,
  subject: Subject,
  life: Lifetime,
): Promise<KeyAndCertificate> {
  const { keyPem, requestDer } = await makeKeyAndRequest(subject.name);
  return { keyPem, ...(await issueCertificate(authority, requestDer, subject, life)) };
}
