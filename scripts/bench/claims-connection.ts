/**
 * One gRPC connection over mutual TLS for a load that must cost little, as a client in C or Go would: calls are frames of
 * HTTP/2 (RFC 9113) that were made beforehand, and of an answer only the message is read. Calls that begin in one turn leave
 * with one write.
 */
import { connect, type TLSSocket } from 'node:tls';
import type { Reach } from './claims-fleet.js';

const frames = { data: 0, headers: 1, reset: 3, settings: 4, ping: 6, goAway: 7, windowUpdate: 8 } as const;
const flags = { ack: 1, endStream: 1, endHeaders: 4 } as const;
const headBytes = 9;
const preface = 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n';
/** What this end takes without being asked: as much as HTTP/2 knows. */
const mostWindow = 2 ** 31 - 1;
const firstWindow = 65_535;

/** A call whose frames are made: only the number of its stream is missing. */
export interface PreparedCall {
  readonly bytes: Buffer;
  /** Where the data frame begins. */
  readonly dataAt: number;
}

interface Waiting {
  message: Buffer | undefined;
  done(error: Error | undefined, message: Buffer): void;
}

/** The frames of a unary call. `path`: `/drover.v1.Placement/Claim`; `message`: protobuf, below 16,000 bytes. */
export function prepareCall({ address }: Reach, path: string, message: Buffer): PreparedCall {
  if (message.length > 16_000)
    throw new Error(`a message of ${message.length} bytes takes more than a frame`);
  const block = Buffer.concat([
    Buffer.from([0x83, 0x87]), // :method POST, :scheme https (RFC 7541, Appendix A)
    ...[literal([0x04], path), literal([0x01], address), literal([0x0f, 0x10], 'application/grpc')],
    Buffer.concat([Buffer.from([0]), text('te'), text('trailers')]),
  ]);
  const headers = frame(frames.headers, flags.endHeaders, 0, block);
  const prefix = Buffer.alloc(5); // not compressed, and how long
  prefix.writeUInt32BE(message.length, 1);
  const data = frame(frames.data, flags.endStream, 0, Buffer.concat([prefix, message]));
  return { bytes: Buffer.concat([headers, data]), dataAt: headers.length };
}

/** A header that no table keeps. `name`: how HPACK's static table calls it. */
function literal(name: number[], value: string): Buffer {
  return Buffer.concat([Buffer.from(name), text(value)]);
}

function text(value: string): Buffer {
  if (value.length > 126) throw new Error(`header ${value} is too long`);
  return Buffer.concat([Buffer.from([value.length]), Buffer.from(value, 'latin1')]);
}

function frame(kind: number, flag: number, stream: number, payload: Uint8Array): Buffer {
  const head = Buffer.alloc(headBytes);
  head.writeUIntBE(payload.length, 0, 3);
  head.writeUInt8(kind, 3);
  head.writeUInt8(flag, 4);
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, payload]);
}

export class LeanConnection {
  readonly #socket: TLSSocket;
  readonly #waiting = new Map<number, Waiting>();
  #outgoing: Buffer[] = [];
  #rest: Buffer = Buffer.alloc(0);
  #nextStream = 1;
  #taken = 0;
  /** Bytes of messages that the server takes now. */
  #window = firstWindow;

  /** Connects; errors of the connection end every call. */
  static async open({ address, authorityPem, keyPem, certificatePem }: Reach): Promise<LeanConnection> {
    const [host = '', port = ''] = address.split(':');
    const secrets = { ca: authorityPem, key: keyPem, cert: certificatePem };
    const socket = connect({ host, port: Number(port), ALPNProtocols: ['h2'], ...secrets });
    await new Promise<void>((resolve, reject) => socket.once('secureConnect', resolve).once('error', reject));
    return new LeanConnection(socket);
  }

  private constructor(socket: TLSSocket) {
    this.#socket = socket.setNoDelay(true);
    socket.on('data', (chunk: Buffer) => this.#read(chunk));
    socket.on('error', (error: Error) => this.#fail(error));
    socket.on('close', () => this.#fail(new Error('the server closed the connection')));
    const settings = Buffer.alloc(18); // no header table, no pushes, the largest window
    for (const [place, [id, value]] of [
      [1, 0] as const,
      [2, 0] as const,
      [4, mostWindow] as const,
    ].entries()) {
      settings.writeUInt16BE(id, place * 6);
      settings.writeUInt32BE(value, place * 6 + 2);
    }
    this.#send(Buffer.from(preface, 'latin1'));
    this.#send(frame(frames.settings, 0, 0, settings));
    this.#send(windowUpdate(mostWindow - firstWindow));
  }

  /** Starts a call. `done`: with the message of its answer once its stream has ended, or with what was wrong. */
  call({ bytes, dataAt }: PreparedCall, done: Waiting['done']): void {
    const size = bytes.length - dataAt - headBytes;
    if (size > this.#window) return done(new Error('the server takes no more for now'), bytes);
    this.#window -= size;
    const stream = this.#nextStream;
    this.#nextStream += 2;
    const own = Buffer.from(bytes);
    own.writeUInt32BE(stream, 5);
    own.writeUInt32BE(stream, dataAt + 5);
    this.#waiting.set(stream, { message: undefined, done });
    this.#send(own);
  }

  close(): void {
    this.#socket.removeAllListeners('close').end();
  }

  #send(bytes: Buffer): void {
    if (this.#outgoing.push(bytes) > 1) return;
    queueMicrotask(() => {
      this.#socket.write(Buffer.concat(this.#outgoing));
      this.#outgoing = [];
    });
  }

  #fail(error: Error): void {
    for (const { done } of this.#waiting.values()) done(error, Buffer.alloc(0));
    this.#waiting.clear();
  }

  #read(chunk: Buffer): void {
    const bytes = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    let at = 0;
    while (at + headBytes <= bytes.length) {
      const end = at + headBytes + bytes.readUIntBE(at, 3);
      if (end > bytes.length) break;
      this.#take(bytes, at, bytes.subarray(at + headBytes, end));
      at = end;
    }
    this.#rest = bytes.subarray(at);
  }

  #take(bytes: Buffer, at: number, payload: Buffer): void {
    const [kind, flag] = [bytes[at + 3], bytes[at + 4] as number];
    const stream = bytes.readUInt32BE(at + 5);
    if (kind === frames.data) this.#takeData(stream, payload);
    else if (kind === frames.settings && (flag & flags.ack) === 0)
      this.#send(frame(frames.settings, flags.ack, 0, Buffer.alloc(0)));
    else if (kind === frames.ping && (flag & flags.ack) === 0)
      this.#send(frame(frames.ping, flags.ack, 0, Buffer.from(payload)));
    else if (kind === frames.windowUpdate && stream === 0) this.#window += payload.readUInt32BE(0);
    else if (kind === frames.reset || kind === frames.goAway)
      this.#fail(new Error(`the server ended a call or the connection: ${payload.toString('latin1')}`));
    if ((kind === frames.data || kind === frames.headers) && (flag & flags.endStream) !== 0)
      this.#end(stream, payload);
  }

  #takeData(stream: number, payload: Buffer): void {
    const waiting = this.#waiting.get(stream);
    if (waiting) waiting.message = waiting.message ? Buffer.concat([waiting.message, payload]) : payload;
    this.#taken += payload.length;
    if (this.#taken < mostWindow / 2) return;
    this.#send(windowUpdate(this.#taken));
    this.#taken = 0;
  }

  /** A call that fails has no message, as gRPC servers answer; its status is in headers, which are packed. */
  #end(stream: number, trailers: Buffer): void {
    const waiting = this.#waiting.get(stream);
    if (!waiting) return;
    this.#waiting.delete(stream);
    const { message } = waiting;
    if (message) waiting.done(undefined, message.subarray(5));
    else waiting.done(new Error(`a call failed: ${trailers.toString('latin1')}`), trailers);
  }
}

function windowUpdate(bytes: number): Buffer {
  const payload = Buffer.alloc(4);
  payload.writeUInt32BE(bytes);
  return frame(frames.windowUpdate, 0, 0, payload);
}
