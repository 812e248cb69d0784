/** The certificate files of a context, and a look at why a handshake with them fails. */
import { readFileSync } from 'node:fs';
import { connect } from 'node:tls';
import { DroverError, invalid } from '../../proto/wire/errors.js';
import type { ContextFile } from './context.js';

/** PEM files as they are on disk. */
export interface Credentials {
  readonly authority: Buffer;
  readonly certificate: Buffer;
  readonly key: Buffer;
}

/** A refusal comes at once; without one the other side is content with the certificate. */
const handshakeMs = 1000;

/** Reads the files that a context names. Errors: `invalid-argument` naming the file that is missing or no such PEM. */
export function readCredentials(context: ContextFile): Credentials {
  return {
    authority: readPem(context.authority, 'CERTIFICATE', context.file),
    certificate: readPem(context.certificate, 'CERTIFICATE', context.file),
    key: readPem(context.key, 'PRIVATE KEY', context.file),
  };
}

/** TLS of Node passes over an authority that is no PEM and then trusts nobody; so the form is looked at here. */
function readPem(file: string, kind: string, contextFile: string): Buffer {
  let pem: Buffer;
  try {
    pem = readFileSync(file);
  } catch (cause) {
    const reason = (cause as Error).message;
    throw new DroverError('invalid-argument', `${contextFile} names a file that cannot be read: ${reason}`, {
      field: file,
      cause,
    });
  }
  if (!new RegExp(`-----BEGIN [A-Z ]*${kind}-----`).test(pem.toString('latin1')))
    throw invalid(file, 'no PEM of this kind', `a PEM file with a ${kind}`);
  return pem;
}

/**
 * What stands against a TLS connection to `address` (HOST:PORT), in words; undefined: nothing, or nobody is there. A
 * server on Node sends no alert when it does not accept a certificate: it hangs up after the handshake, before the first
 * byte, where an HTTP/2 server that is content says its settings.
 */
export function handshakeFault(
  address: string,
  { authority, certificate, key }: Credentials,
): Promise<string | undefined> {
  const colon = address.lastIndexOf(':');
  const host = address.slice(0, colon).replaceAll(/[[\]]/g, '');
  const socket = connect({
    host,
    port: Number(address.slice(colon + 1)),
    ca: authority,
    cert: certificate,
    key,
    ALPNProtocols: ['h2'],
  });
  let shaken = false;
  return new Promise((resolve) => {
    const end = (fault: string | undefined) => {
      resolve(fault);
      socket.destroy();
    };
    const hungUp =
      'the control plane hangs up after the handshake, as it does with a certificate that it does not accept';
    socket.once('secureConnect', () => (shaken = true));
    socket.once('data', () => end(undefined));
    socket.setTimeout(handshakeMs, () => end(undefined));
    socket.once('close', () => end(shaken ? hungUp : undefined));
    socket.once('error', (error: NodeJS.ErrnoException & { reason?: string }) => {
      const isTls = (error.code ?? '').startsWith('ERR_SSL') || /certificate|alert|SSL/i.test(error.message);
      end(
        isTls ? `the control plane refuses: ${error.reason ?? error.message}` : shaken ? hungUp : undefined,
      );
    });
  });
}
