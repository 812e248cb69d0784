/**
 * Lets a bounded number of calls run, each on a slot of its own, with a deadline that holds whatever the call does. A call
 * that overstays is given up by its caller, but it keeps its slot until it really returned: the thread under it is still
 * stuck, and a second call on the same connection would never be rescued by libvirt's keepalive.
 */
import { DroverError } from '../../proto/wire/errors.js';

export interface CallQueueOptions<Slot> {
  readonly slots: readonly Slot[];
  /** Calls that may wait for a slot. */
  readonly queueLimit: number;
  readonly deadlineMs: number;
}

/** What a running call is told: whether anyone still waits for it. */
export interface Lease {
  readonly expired: boolean;
}

export interface CallRequest<Slot, Result> {
  /** For people: `pin vcpu 0 of web1`. */
  readonly label: string;
  /** Calls of one key run one at a time; while one of them is stuck, the next are refused at once. */
  readonly key?: string;
  run(slot: Slot, lease: Lease): Promise<Result>;
}

interface Call<Slot> {
  readonly request: CallRequest<Slot, unknown>;
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: DroverError) => void;
  readonly timer: NodeJS.Timeout;
  expired: boolean;
}

export class CallQueue<Slot> {
  readonly #options: CallQueueOptions<Slot>;
  readonly #idle: Slot[];
  readonly #active = new Set<Call<Slot>>();
  #waiting: Call<Slot>[] = [];
  #whenDrained: (() => void)[] = [];

  constructor(options: CallQueueOptions<Slot>) {
    this.#options = options;
    this.#idle = [...options.slots];
  }

  get waiting(): number {
    return this.#waiting.length;
  }

  /** Calls that hold a slot, stuck ones included. */
  get running(): number {
    return this.#active.size;
  }

  /**
   * Runs a call when a slot is free and answers what it gives. Errors: what the call throws; `deadline-exceeded` when it
   * has not answered `deadlineMs` after this was called, waiting included; `resource-exhausted` when the queue is full.
   */
  submit<Result>(request: CallRequest<Slot, Result>): Promise<Result> {
    if (this.#stuckOn(request.key)) return Promise.reject(stuck(request.label));
    if (this.#waiting.length >= this.#options.queueLimit) return Promise.reject(this.#full(request.label));
    return new Promise<Result>((resolve, reject) => {
      const timer = setTimeout(() => this.#expire(call), this.#options.deadlineMs);
      const call: Call<Slot> = {
        request,
        resolve: resolve as (value: unknown) => void,
        reject,
        timer,
        expired: false,
      };
      this.#waiting.push(call);
      this.#startNext();
    });
  }

  /** Rejects every call that waits. Running ones are left: libvirt fails them when their connection is gone. */
  rejectWaiting(error: (label: string) => DroverError): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const call of waiting) this.#settle(call, () => call.reject(error(call.request.label)));
  }

  /** Done when no call holds a slot any more, however long a stuck one takes. */
  async drained(): Promise<void> {
    if (this.#active.size > 0) await new Promise<void>((resolve) => this.#whenDrained.push(resolve));
  }

  #startNext(): void {
    const index =
      this.#idle.length === 0 ? -1 : this.#waiting.findIndex((call) => !this.#holder(call.request.key));
    const call = this.#waiting[index];
    if (!call) return;
    this.#waiting.splice(index, 1);
    void this.#start(call, this.#idle.shift() as Slot);
  }

  async #start(call: Call<Slot>, slot: Slot): Promise<void> {
    this.#active.add(call);
    try {
      const value = await call.request.run(slot, call);
      this.#settle(call, () => call.resolve(value));
    } catch (thrown) {
      this.#settle(call, () => call.reject(thrown as DroverError));
    }
    this.#active.delete(call);
    this.#idle.push(slot);
    this.#startNext();
    if (this.#active.size === 0) for (const done of this.#whenDrained.splice(0)) done();
  }

  #expire(call: Call<Slot>): void {
    const waited = this.#waiting.includes(call);
    if (waited) this.#waiting = this.#waiting.filter((other) => other !== call);
    const what = waited ? 'found no free connection' : 'got no answer from libvirt';
    const message = `${call.request.label}: ${what} in ${this.#options.deadlineMs} ms`;
    this.#settle(call, () => call.reject(new DroverError('deadline-exceeded', message)));
    call.expired = true;
    // Its fellows for the same key would only wait for their own deadlines.
    this.#rejectKey(call.request.key);
  }

  #rejectKey(key: string | undefined): void {
    if (!this.#stuckOn(key)) return;
    const fellows = this.#waiting.filter((call) => call.request.key === key);
    this.#waiting = this.#waiting.filter((call) => call.request.key !== key);
    for (const call of fellows) this.#settle(call, () => call.reject(stuck(call.request.label)));
  }

  #settle(call: Call<Slot>, answer: () => void): void {
    clearTimeout(call.timer);
    if (!call.expired) answer();
  }

  #holder(key: string | undefined): Call<Slot> | undefined {
    return key === undefined ? undefined : [...this.#active].find((call) => call.request.key === key);
  }

  #stuckOn(key: string | undefined): boolean {
    return this.#holder(key)?.expired === true;
  }

  #full(label: string): DroverError {
    const limit = this.#options.queueLimit;
    return new DroverError('resource-exhausted', `${label}: ${limit} libvirt calls wait already`, {
      field: 'libvirt calls',
      value: String(limit),
    });
  }
}

function stuck(label: string): DroverError {
  return new DroverError(
    'deadline-exceeded',
    `${label}: an earlier call for it has not returned from libvirt yet`,
  );
}
