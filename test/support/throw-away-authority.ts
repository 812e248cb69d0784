/** A certificate authority that lives as long as a test: keys and certificates as PEM files. */
import 'reflect-metadata';
import { webcrypto } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as x509 from '@peculiar/x509';

const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;
const lifeMs = 3_600_000;

export interface Pem {
  readonly key: string;
  readonly certificate: string;
}

export interface ThrowAwayAuthority {
  readonly certificate: string;
  /** A certificate for `name`, which holds for 127.0.0.1 and localhost too. */
  issue(name: string): Promise<Pem>;
}

/** Makes an authority. */
export async function makeAuthority(name: string): Promise<ThrowAwayAuthority> {
  const keys = await newKeys();
  const validity = { notBefore: new Date(Date.now() - lifeMs), notAfter: new Date(Date.now() + lifeMs) };
  const extensions = [
    new x509.BasicConstraintsExtension(true, 0, true),
    new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign, true),
  ];
  const own = await x509.X509CertificateGenerator.createSelfSigned({
    name: `CN=${name}`,
    keys,
    ...validity,
    signingAlgorithm: algorithm,
    extensions,
  });
  const issue = async (subject: string): Promise<Pem> => {
    const theirs = await newKeys();
    const names = new x509.SubjectAlternativeNameExtension([
      { type: 'dns', value: 'localhost' },
      { type: 'ip', value: '127.0.0.1' },
    ]);
    const signed = await x509.X509CertificateGenerator.create({
      subject: `CN=${subject}`,
      issuer: own.subject,
      publicKey: theirs.publicKey,
      signingKey: keys.privateKey,
      ...validity,
      signingAlgorithm: algorithm,
      extensions: [names],
    });
    return { key: await privatePem(theirs), certificate: signed.toString('pem') };
  };
  return { certificate: own.toString('pem'), issue };
}

type Keys = Awaited<ReturnType<typeof newKeys>>;

async function newKeys() {
  return webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
}

async function privatePem(keys: Keys): Promise<string> {
  return x509.PemConverter.encode(await webcrypto.subtle.exportKey('pkcs8', keys.privateKey), 'PRIVATE KEY');
}

/** Writes a context file for the command line, with the PEM files beside it, into `folder`. Answers its path. */
export function writeContext(folder: string, address: string, authority: string, client: Pem): string {
  writeFileSync(join(folder, 'authority.pem'), authority);
  writeFileSync(join(folder, 'client.pem'), client.certificate);
  writeFileSync(join(folder, 'client.key'), client.key, { mode: 0o600 });
  const content = {
    address,
    enrol_address: 'control.example.org:7644',
    authority: 'authority.pem',
    certificate: 'client.pem',
    key: 'client.key',
  };
  writeFileSync(join(folder, 'context.json'), JSON.stringify(content));
  return join(folder, 'context.json');
}
