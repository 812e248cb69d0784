/** Starts that others ask libvirt for wait their turn while the profile says so. */
import type { GuestSettings } from '../../proto/wire/guest-settings.js';
import { asDroverError } from '../../proto/wire/errors.js';
import type { OwnStarts } from '../guests/start/run.js';
import type { StartSpool } from '../guests/start/spool.js';
import type { Log } from '../log.js';

type Spool = Pick<StartSpool, 'start' | 'stop' | 'own'>;

/** Turns the spool on and off as the profile says; each time it is another, since one that was stopped is over. */
export class Pacing implements OwnStarts {
  readonly #make: () => Spool;
  readonly #log: Log;
  #spool: Spool | undefined;
  #isOn = false;
  #turning: Promise<void> = Promise.resolve();

  constructor(make: () => Spool, log: Log) {
    this.#make = make;
    this.#log = log;
  }

  /** As the profile now says. A spool that could not begin is tried again with the next call. */
  follow(settings: GuestSettings | undefined): void {
    this.#turn(settings?.start.pace_others === true);
  }

  /** Marks a start of Drover's own; see `StartSpool.own`. While nothing is paced there is nothing to mark. */
  async own(name: string): Promise<() => Promise<void>> {
    await this.#turning;
    return (await this.#spool?.own(name)) ?? (() => Promise.resolve());
  }

  async end(): Promise<void> {
    this.#turn(false);
    await this.#turning;
  }

  #turn(on: boolean): void {
    if (on === this.#isOn) return;
    this.#isOn = on;
    this.#turning = this.#turning
      .then(() => (on ? this.#begin() : this.#stop()))
      .catch((thrown: unknown) => {
        this.#isOn = this.#spool !== undefined;
        this.#log.warn({ error: asDroverError(thrown).message }, 'starts of others are not paced');
      });
  }

  async #begin(): Promise<void> {
    const spool = this.#make();
    await spool.start();
    this.#spool = spool;
  }

  async #stop(): Promise<void> {
    const spool = this.#spool;
    this.#spool = undefined;
    await spool?.stop();
  }
}
