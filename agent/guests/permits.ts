/** Room for starts in the rack and storage of a host, asked of the control plane over the session. */
import type { StartGrant } from '../../proto/gen/drover/v1/StartGrant.js';
import type { StartRequestInput } from '../../proto/gen/drover/v1/StartRequest.js';
import type { StartPermits } from './start/run.js';

/** How long a start waits for the control plane before it goes on alone: a host must come up without it. */
export const aloneAfterMs = 60_000;

/** Most that wait at once: one message names no more. */
export const maximumAsked = 256;

export interface PermitOptions {
  readonly isConnected: () => boolean;
  say(request: StartRequestInput): void;
  /** See `aloneAfterMs`. */
  readonly patienceMs?: number;
}

type Answer = (how: 'granted' | 'alone') => void;

export class SessionPermits implements StartPermits {
  readonly #options: PermitOptions;
  /** Granted, with how many starts of the domain have it: two may ask for one domain, libvirt lets one of them through. */
  readonly #held = new Map<string, number>();
  readonly #waiting = new Map<string, Set<Answer>>();

  constructor(options: PermitOptions) {
    this.#options = options;
  }

  /** See `StartPermits`. Without a session, and beyond `maximumAsked`, nobody is asked. */
  acquire(uuid: string, signal: AbortSignal): Promise<'granted' | 'alone'> {
    const { isConnected } = this.#options;
    if (signal.aborted) return Promise.reject(signal.reason as Error);
    const held = this.#held.get(uuid);
    if (held !== undefined) {
      this.#held.set(uuid, held + 1);
      return Promise.resolve('granted');
    }
    if (!isConnected() || (this.#waiting.size >= maximumAsked && !this.#waiting.has(uuid)))
      return Promise.resolve('alone');
    return this.#wait(uuid, signal);
  }

  /** Of a start that went alone: nothing. */
  release(uuid: string): void {
    const held = this.#held.get(uuid);
    if (held === undefined) return;
    if (held > 1) this.#held.set(uuid, held - 1);
    else if (this.#held.delete(uuid)) this.#tell([uuid]);
  }

  /** What the control plane granted. */
  granted({ uuids }: Pick<StartGrant, 'uuids'>): void {
    for (const uuid of uuids) {
      const answers = [...(this.#waiting.get(uuid) ?? [])];
      for (const answer of answers) answer('granted');
      // Nobody waits for it any more: its room is others'.
      if (answers.length === 0 && !this.#held.has(uuid)) this.#tell([uuid]);
    }
  }

  /** A new session knows nothing of who waits. */
  again(): void {
    if (this.#waiting.size > 0) this.#tell([]);
  }

  #wait(uuid: string, signal: AbortSignal): Promise<'granted' | 'alone'> {
    const { patienceMs = aloneAfterMs } = this.#options;
    return new Promise((resolve, reject) => {
      const over = (): void => {
        clearTimeout(timer);
        signal.removeEventListener('abort', giveUp);
        this.#leave(uuid, answer);
      };
      const giveUp = (): void => {
        over();
        this.#tell(this.#isWanted(uuid) ? [] : [uuid]);
        reject(signal.reason as Error);
      };
      const answer: Answer = (how) => {
        over();
        if (how === 'granted') this.#held.set(uuid, (this.#held.get(uuid) ?? 0) + 1);
        else if (!this.#isWanted(uuid)) this.#tell([uuid]); // its place in the queue is others'
        resolve(how);
      };
      const timer = setTimeout(() => answer('alone'), patienceMs);
      signal.addEventListener('abort', giveUp, { once: true });
      this.#waiting.set(uuid, (this.#waiting.get(uuid) ?? new Set()).add(answer));
      this.#tell([]);
    });
  }

  #leave(uuid: string, answer: Answer): void {
    const answers = this.#waiting.get(uuid);
    answers?.delete(answer);
    if (answers?.size === 0) this.#waiting.delete(uuid);
  }

  #isWanted(uuid: string): boolean {
    return this.#waiting.has(uuid) || this.#held.has(uuid);
  }

  #tell(done: readonly string[]): void {
    this.#options.say({ wanted: [...this.#waiting.keys()], done: [...done] });
  }
}
