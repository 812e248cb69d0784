/**
 * One end of a session, above the stream: numbers what goes out, keeps it until the other end has handled it, drops
 * what comes in twice, and goes on where it stopped when a new stream takes the place of a broken one.
 */
import { Outbox } from './outbox.js';

/** Writes one message to the stream; false: the stream is full until it drains. */
export type WriteMessage<Body> = (sequence: number, acknowledged: number, body: Body) => boolean;

export class Link<Body> {
  readonly #outbox: Outbox<Body>;
  readonly #acknowledgement: Body;
  #received = 0;
  #sent = 0;
  #write: WriteMessage<Body> | undefined;
  #full = false;

  /** `acknowledgement`: the empty body that only carries `acknowledged`. */
  constructor(limit: number, acknowledgement: Body) {
    this.#outbox = new Outbox(limit);
    this.#acknowledgement = acknowledgement;
  }

  /** Highest sequence number that was handled. */
  get received(): number {
    return this.#received;
  }

  get dropped(): number {
    return this.#outbox.dropped;
  }

  get waiting(): number {
    return this.#outbox.size;
  }

  /** True while a message of the kind waits to be sent, or was sent and is not acknowledged. */
  holds(kind: string): boolean {
    return this.#outbox.holds(kind);
  }

  /** Begins anew: the other end knows nothing of earlier numbers. What waits is kept and numbered from 1. */
  reset(): void {
    this.#received = 0;
    this.#outbox.renumber();
  }

  /** Takes a stream into use. `peerReceived`: what the other end has handled already; the rest is sent again. */
  attach(write: WriteMessage<Body>, peerReceived: number): void {
    this.#outbox.acknowledge(peerReceived);
    this.#sent = 0;
    this.#full = false;
    this.#write = write;
    this.#pump();
  }

  /** The stream is gone; messages wait for the next. */
  detach(): void {
    this.#write = undefined;
  }

  /** The stream takes messages again. */
  drained(): void {
    this.#full = false;
    this.#pump();
  }

  /** Sends `body` when the stream allows. `replace`: a waiting message of the kind is pointless now. */
  send(kind: string, body: Body, replace: boolean): void {
    this.#outbox.put(kind, body, replace);
    this.#pump();
  }

  /** Sends a body that is not repeated after a reconnect; it is lost when there is no stream or the stream is full. */
  sendOnce(body: Body): void {
    if (!this.#full) this.#write?.(0, this.#received, body);
  }

  /** Notes the numbers of a message that came in; true when it is to be handled (not a repetition). */
  accept(sequence: number, acknowledged: number): boolean {
    this.#outbox.acknowledge(acknowledged);
    return sequence === 0 || sequence > this.#received;
  }

  /** Says that the message was handled. */
  handled(sequence: number): void {
    if (sequence === 0) return;
    this.#received = Math.max(this.#received, sequence);
    this.sendOnce(this.#acknowledgement);
  }

  #pump(): void {
    for (const message of this.#outbox.waiting()) {
      if (this.#full || !this.#write) return;
      if (message.sequence <= this.#sent) continue;
      this.#sent = message.sequence;
      this.#full = !this.#write(message.sequence, this.#received, message.body);
    }
  }
}
