/**
 * Messages that wait for the other side's acknowledgement: bounded, numbered, and repeated after a reconnect. Both ends
 * of a session hold one. Reports of state replace an older report of their kind, so a slow peer costs one message a kind.
 */

export interface Numbered<Body> {
  readonly sequence: number;
  readonly kind: string;
  readonly body: Body;
}

export class Outbox<Body> {
  readonly #limit: number;
  #waiting: Numbered<Body>[] = [];
  #next = 1;
  #dropped = 0;

  /** `limit`: most messages that wait; beyond it the oldest is dropped and counted. */
  constructor(limit: number) {
    this.#limit = limit;
  }

  /** Messages dropped because the limit was reached, since the start. */
  get dropped(): number {
    return this.#dropped;
  }

  get size(): number {
    return this.#waiting.length;
  }

  /** Adds a message; `replace`: it makes any waiting one of its kind pointless. Answers it with its sequence number. */
  put(kind: string, body: Body, replace: boolean): Numbered<Body> {
    if (replace) this.#waiting = this.#waiting.filter((message) => message.kind !== kind);
    if (this.#waiting.length >= this.#limit) {
      this.#waiting.shift();
      this.#dropped++;
    }
    const message = { sequence: this.#next++, kind, body };
    this.#waiting.push(message);
    return message;
  }

  /** Forgets what the other side has handled: every message up to `sequence`. */
  acknowledge(sequence: number): void {
    this.#waiting = this.#waiting.filter((message) => message.sequence > sequence);
  }

  /** True while a message of the kind waits for the other side to handle it. */
  holds(kind: string): boolean {
    return this.#waiting.some((message) => message.kind === kind);
  }

  /** What is to be sent again, in order. */
  waiting(): readonly Numbered<Body>[] {
    return this.#waiting;
  }

  /** Numbers what waits from 1 again: the other side began a new session and knows no earlier number. */
  renumber(): void {
    this.#waiting = this.#waiting.map((message, index) => ({ ...message, sequence: index + 1 }));
    this.#next = this.#waiting.length + 1;
  }
}
