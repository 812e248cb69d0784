/** Drover's own certificate authority: made at the first start, kept in two files, loaded ever after. */
import 'reflect-metadata';
import {
  createHash,
  createPrivateKey,
  createPublicKey,
  randomBytes,
  webcrypto,
  X509Certificate,
} from 'node:crypto';
import {
  closeSync,
  existsSync,
  fsyncSync,
  linkSync,
  mkdirSync,
  openSync,
  readFileSync,
  rmSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import * as x509 from '@peculiar/x509';
import { DroverError } from '../../proto/wire/errors.js';
import { ecdsaP256, privateKeyPem } from '../../proto/wire/csr.js';

export interface Authority {
  readonly certificatePem: string;
  readonly certificateDer: Buffer;
  /** SHA-256 of the certificate's DER bytes, hexadecimal. Join tokens carry it. */
  readonly fingerprint: string;
  readonly certificate: x509.X509Certificate;
  readonly signingKey: webcrypto.CryptoKey;
}

const lifetimeMs = 3652 * 86_400_000;
/** Clocks of hosts may be behind: every certificate begins this long before it is made. */
export const backdateMs = 5 * 60_000;

/**
 * The authority in `folder`: `ca-key.pem` (mode 0600) and `ca.pem`; made when neither is there, valid for 10 years from
 * `nowMs`. Errors: `storage-corrupt` naming the file when one is damaged, missing or they do not belong together.
 */
export async function openAuthority(folder: string, nowMs: number): Promise<Authority> {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const keyFile = join(folder, 'ca-key.pem');
  const certificateFile = join(folder, 'ca.pem');
  // The key is written last: a certificate alone is an unfinished start, a key alone is a loss.
  if (!existsSync(keyFile)) await create(keyFile, certificateFile, nowMs);
  return load(keyFile, certificateFile, nowMs);
}

async function create(keyFile: string, certificateFile: string, nowMs: number): Promise<void> {
  const keys = await webcrypto.subtle.generateKey(ecdsaP256, true, ['sign', 'verify']);
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    serialNumber: randomSerial(),
    name: [{ CN: ['Drover authority'] }],
    notBefore: new Date(nowMs - backdateMs),
    notAfter: new Date(nowMs + lifetimeMs),
    keys,
    signingAlgorithm: ecdsaP256,
    extensions: [
      new x509.BasicConstraintsExtension(true, 0, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  rmSync(certificateFile, { force: true });
  writeNew(certificateFile, certificate.toString('pem') + '\n', 0o644);
  writeNew(keyFile, await privateKeyPem(keys.privateKey), 0o600);
}

/** Writes a file that is not there yet, whole and on disk, or not at all. */
function writeNew(file: string, text: string, mode: number): void {
  const temporary = `${file}.${randomBytes(6).toString('hex')}`;
  try {
    const descriptor = openSync(temporary, 'wx', mode);
    writeSync(descriptor, text);
    fsyncSync(descriptor);
    closeSync(descriptor);
    linkSync(temporary, file);
  } catch (cause) {
    throw new DroverError('storage-failed', `write ${file}: ${(cause as Error).message}`, {
      field: 'authority',
      value: file,
      cause,
    });
  } finally {
    rmSync(temporary, { force: true });
  }
}

async function load(keyFile: string, certificateFile: string, nowMs: number): Promise<Authority> {
  const certificate = parse(certificateFile, (text) => new X509Certificate(text));
  const key = parse(keyFile, (text) => createPrivateKey(text));
  const spki = createPublicKey(key).export({ type: 'spki', format: 'der' });
  if (!certificate.publicKey.export({ type: 'spki', format: 'der' }).equals(spki))
    throw damaged(keyFile, `it is not the key of ${certificateFile}`);
  if (!certificate.ca) throw damaged(certificateFile, 'it is no certificate of an authority');
  if (Date.parse(certificate.validTo) <= nowMs)
    throw damaged(certificateFile, `it ended on ${certificate.validTo}`);
  const signingKey = await importKey(keyFile, key.export({ type: 'pkcs8', format: 'der' }));
  return {
    certificatePem: certificate.toString(),
    certificateDer: certificate.raw,
    fingerprint: createHash('sha256').update(certificate.raw).digest('hex'),
    certificate: new x509.X509Certificate(certificate.raw),
    signingKey,
  };
}

async function importKey(keyFile: string, pkcs8: Buffer): Promise<webcrypto.CryptoKey> {
  try {
    return await webcrypto.subtle.importKey('pkcs8', pkcs8, ecdsaP256, false, ['sign']);
  } catch (cause) {
    throw damaged(keyFile, 'it is no ECDSA P-256 key', cause);
  }
}

function parse<T>(file: string, read: (text: string) => T): T {
  try {
    return read(readFileSync(file, 'utf8'));
  } catch (cause) {
    throw damaged(file, (cause as Error).message, cause);
  }
}

function damaged(file: string, fault: string, cause?: unknown): DroverError {
  const cure =
    'put ca.pem and ca-key.pem back from a backup; moving both away makes a new authority, and every host must join again';
  return new DroverError('storage-corrupt', `${file}: ${fault}; ${cure}`, {
    field: 'authority',
    value: file,
    cure,
    cause,
  });
}

/** 126 random bits as hexadecimal, positive and without a leading zero (RFC 5280, 4.1.2.2). */
export function randomSerial(): string {
  const bytes = randomBytes(16);
  bytes[0] = ((bytes[0] as number) & 0x3f) | 0x40;
  return bytes.toString('hex');
}
