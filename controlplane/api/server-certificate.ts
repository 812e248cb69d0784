/** The certificate of the control plane's servers: renewed while they run, for new handshakes; open streams stay. */
import type { experimental } from '@grpc/grpc-js';
import { certificatePem } from '../../proto/wire/csr.js';
import { issueWithKey } from '../security/certificates.js';
import type { Authority } from '../security/authority.js';

type Provider = experimental.CertificateProvider;
type IdentityListener = Parameters<Provider['addIdentityCertificateListener']>[0];
type CaListener = Parameters<Provider['addCaCertificateListener']>[0];

export interface ServerCertificateOptions {
  readonly authority: Authority;
  /** DNS names and addresses under which agents and operators reach this control plane. */
  readonly addresses: readonly string[];
  readonly lifetimeMs: number;
  now(): number;
}

/** A grpc-js certificate provider that makes its own certificates. */
export class ServerCertificate implements Provider {
  readonly #options: ServerCertificateOptions;
  readonly #listeners = new Set<IdentityListener>();
  readonly #ca: Buffer;
  #identity: { certificate: Buffer; privateKey: Buffer } | null = null;
  #renewAtMs = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: ServerCertificateOptions) {
    this.#options = options;
    this.#ca = Buffer.from(options.authority.certificatePem);
  }

  /** Makes the first certificate, and a new one each time two thirds of a life are over. */
  async start(failed: (error: unknown) => void): Promise<void> {
    await this.renew();
    const everyMs = Math.max(50, Math.min(3_600_000, this.#options.lifetimeMs / 12));
    const renewIfDue = () => void (this.#options.now() >= this.#renewAtMs && this.renew().catch(failed));
    this.#timer = setInterval(renewIfDue, everyMs).unref();
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  /** A new key and certificate, now. Handshakes from here on see it. */
  async renew(): Promise<void> {
    const { authority, addresses, lifetimeMs, now } = this.#options;
    const nowMs = now();
    this.#renewAtMs = nowMs + (lifetimeMs * 2) / 3;
    const issued = await issueWithKey(
      authority,
      { name: 'drover-controlplane', role: 'controlplane', addresses },
      { nowMs, lifetimeMs },
    );
    // The authority's certificate goes along: a host that joins compares its hash with the one in its token.
    const chain = certificatePem(issued.certificateDer) + authority.certificatePem;
    this.#identity = { certificate: Buffer.from(chain), privateKey: Buffer.from(issued.keyPem) };
    for (const listener of this.#listeners) listener(this.#identity);
  }

  addIdentityCertificateListener(listener: IdentityListener): void {
    this.#listeners.add(listener);
    // grpc-js 1.14 adds the server that wants to hear of it only after this returns.
    queueMicrotask(() => listener(this.#identity));
  }

  removeIdentityCertificateListener(listener: IdentityListener): void {
    this.#listeners.delete(listener);
  }

  addCaCertificateListener(listener: CaListener): void {
    queueMicrotask(() => listener({ caCertificate: this.#ca }));
  }

  removeCaCertificateListener(): void {
    // The authority's certificate does not change while the process runs, so no listener is kept.
  }
}
