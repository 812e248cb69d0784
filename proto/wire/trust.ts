/** First contact: a host that has only a join token learns the authority's certificate and checks it by its hash. */
import { createHash, X509Certificate } from 'node:crypto';
import { connect, type DetailedPeerCertificate, type TLSSocket } from 'node:tls';
import { DroverError, invalid } from './errors.js';

/** SHA-256 of the authority's certificate, from a join token. Errors: `invalid-argument` (the token is not shown). */
export function fingerprintOf(token: string): string {
  const match = /^drv1\.[^.]+\.[^.]+\.([0-9a-f]{64})$/.exec(token);
  if (!match) throw invalid('token', 'text of another form', 'a token as drover token create printed it');
  return match[1] as string;
}

/**
 * The authority's certificate (DER), taken from the chain that the server at `address` (HOST:PORT) presents. Only one
 * whose SHA-256 is `fingerprint` and that signed the server's certificate is answered; trust that one alone.
 * Errors: `unauthenticated` when the server is another; `unavailable`; `deadline-exceeded` after `deadlineMs`.
 */
export async function fetchAuthority(
  address: string,
  fingerprint: string,
  deadlineMs: number,
): Promise<Buffer> {
  const { host, port } = splitAddress(address);
  // Nothing is sent over this connection: it only shows the chain, which the hash then proves.
  const socket = connect({ host, port, rejectUnauthorized: false, ALPNProtocols: ['h2'] });
  try {
    await handshake(socket, address, deadlineMs);
    return matching(socket.getPeerCertificate(true), address, fingerprint);
  } finally {
    socket.destroy();
  }
}

function handshake(socket: TLSSocket, address: string, deadlineMs: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const late = () =>
      reject(
        new DroverError('deadline-exceeded', `${address}: no TLS handshake in ${deadlineMs} ms`, {
          field: 'address',
          value: address,
        }),
      );
    const timer = setTimeout(late, deadlineMs);
    socket.once('close', () => clearTimeout(timer));
    socket.once('secureConnect', () => (clearTimeout(timer), resolve()));
    socket.on('error', (cause: Error) =>
      reject(
        new DroverError('unavailable', `${address}: ${cause.message}`, {
          field: 'address',
          value: address,
          cause,
        }),
      ),
    );
  });
}

function matching(leaf: DetailedPeerCertificate, address: string, fingerprint: string): Buffer {
  const server = new X509Certificate(leaf.raw);
  let found: DetailedPeerCertificate | undefined = leaf.issuerCertificate;
  for (let depth = 0; found && depth < 4; depth++, found = found.issuerCertificate) {
    const isOurs = createHash('sha256').update(found.raw).digest('hex') === fingerprint;
    if (isOurs && server.verify(new X509Certificate(found.raw).publicKey)) return found.raw;
  }
  const cure = 'check the address, or create a token on that control plane';
  throw new DroverError(
    'unauthenticated',
    `${address} is not the control plane that made the join token; ${cure}`,
    { field: 'address', value: address, cure },
  );
}

/** Splits `HOST:PORT` or `[IPv6]:PORT`. */
function splitAddress(address: string): { host: string; port: number } {
  const match = /^(?:\[([0-9a-fA-F:.]+)\]|([^:]+)):(\d{1,5})$/.exec(address);
  const port = Number(match?.[3]);
  if (!match || port < 1 || port > 65_535) throw invalid('address', address, 'HOST:PORT');
  return { host: (match[1] ?? match[2]) as string, port };
}
