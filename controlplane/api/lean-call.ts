/** One unary call straight on its HTTP/2 stream: the message, the handler, the answer with its trailers. */
import type { IncomingHttpHeaders, ServerHttp2Stream } from 'node:http2';
import { TLSSocket, type PeerCertificate } from 'node:tls';
import { type handleUnaryCall, Metadata, type ServiceError, status } from '@grpc/grpc-js';

/** A method that is served so. */
export interface LeanMethod {
  readonly handler: handleUnaryCall<unknown, unknown>;
  deserialize(bytes: Buffer): unknown;
  serialize(value: unknown): Buffer;
}

export interface LeanLimits {
  readonly receivedBytes: number;
  readonly sentBytes: number;
}

const prefixBytes = 5;
const okHeaders = { ':status': 200, 'content-type': 'application/grpc+proto' };
const okTrailers = { 'grpc-status': String(status.OK), 'grpc-message': 'OK' };
const noDate = { sendDate: false } as const;
const unitMs: Readonly<Record<string, number>> = { H: 3.6e6, M: 6e4, S: 1e3, m: 1, u: 1e-3, n: 1e-6 };

/** One call. It gathers the message, hands it over, answers. It is what the handler sees of the call, too. */
export class LeanCall {
  readonly stream: ServerHttp2Stream;
  readonly #method: LeanMethod;
  readonly #limits: LeanLimits;
  readonly #deadline: number;
  #chunks: Buffer[] = [];
  #bytes = 0;
  request: unknown;

  constructor(
    stream: ServerHttp2Stream,
    headers: IncomingHttpHeaders,
    method: LeanMethod,
    limits: LeanLimits,
  ) {
    this.stream = stream;
    this.#method = method;
    this.#limits = limits;
    this.#deadline = deadlineOf(headers['grpc-timeout']);
  }

  /** Hears the message, and answers once it is whole. */
  start(): void {
    this.stream.on('error', () => undefined); // its close says all there is to say
    this.stream.on('data', (chunk: Buffer) => this.#take(chunk));
    this.stream.on('end', () => this.#run());
  }

  getDeadline(): number {
    return this.#deadline;
  }

  getAuthContext(): { sslPeerCertificate?: PeerCertificate } {
    const socket = this.stream.session?.socket;
    if (!(socket instanceof TLSSocket) || !socket.authorized) return {};
    const certificate = socket.getPeerCertificate();
    return certificate.raw ? { sslPeerCertificate: certificate } : {};
  }

  #take(chunk: Buffer): void {
    this.#bytes += chunk.length;
    if (this.#bytes > this.#limits.receivedBytes + prefixBytes) {
      this.#chunks = [];
      const { receivedBytes } = this.#limits;
      this.#fail(status.RESOURCE_EXHAUSTED, `Received message larger than max (over ${receivedBytes} bytes)`);
    } else this.#chunks.push(chunk);
  }

  #run(): void {
    if (this.#isOver()) return;
    const [first] = this.#chunks;
    const bytes = this.#chunks.length === 1 ? (first as Buffer) : Buffer.concat(this.#chunks);
    if (bytes.length < prefixBytes) return this.#fail(status.UNIMPLEMENTED, 'Received no request message');
    if (bytes.length !== prefixBytes + bytes.readUInt32BE(1))
      return this.#fail(status.UNIMPLEMENTED, 'Received other than one request message');
    if (bytes[0] !== 0) return this.#fail(status.INTERNAL, 'Received a compressed message without encoding');
    try {
      this.request = this.#method.deserialize(bytes.subarray(prefixBytes));
    } catch {
      return this.#fail(status.INTERNAL, 'Error deserializing request');
    }
    this.#method.handler(this as never, (error, value) => {
      if (error) this.#refuse(error);
      else this.#answer(value);
    });
  }

  /** Answered, or given up by the caller. */
  #isOver(): boolean {
    return this.stream.destroyed || this.stream.closed || this.stream.headersSent;
  }

  #answer(value: unknown): void {
    if (this.#isOver()) return;
    const message = this.#method.serialize(value);
    if (message.length > this.#limits.sentBytes)
      return this.#fail(
        status.RESOURCE_EXHAUSTED,
        `Sent message larger than max (${message.length} vs. ${this.#limits.sentBytes})`,
      );
    const payload = Buffer.allocUnsafe(prefixBytes + message.length);
    payload[0] = 0;
    payload.writeUInt32BE(message.length, 1);
    payload.set(message, prefixBytes);
    const { stream } = this;
    stream.respond(okHeaders, { waitForTrailers: true, ...noDate });
    stream.once('wantTrailers', () => stream.sendTrailers(okTrailers));
    stream.end(payload);
  }

  #refuse(error: Partial<ServiceError>): void {
    const { code = status.UNKNOWN, details = error.message ?? 'Unknown error', metadata } = error;
    this.#fail(code, details, metadata ?? undefined);
  }

  /** Headers that are trailers as well: nothing else comes. */
  #fail(code: status, details: string, metadata = new Metadata()): void {
    if (this.#isOver()) return;
    const told = { 'grpc-status': String(code), 'grpc-message': encodeURI(details) };
    const trailers = { ...told, ...okHeaders, ...metadata.toHttp2Headers() };
    this.stream.respond(trailers, { endStream: true, ...noDate });
  }
}

/** Unix ms; Infinity without one. What cannot be read is no deadline of ours: the server's own stands. */
function deadlineOf(timeout: string | string[] | undefined): number {
  const match = typeof timeout === 'string' ? /^(\d{1,8})\s*([HMSmun])$/.exec(timeout) : null;
  return match ? Date.now() + Number(match[1]) * (unitMs[match[2] as string] as number) : Infinity;
}
