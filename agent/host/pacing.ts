/** Starts that others ask libvirt for wait their turn while the profile says so. */
import type { GuestSettings } from '../../proto/wire/guest-settings.js';
import type { StartSpool } from '../guests/start/spool.js';
import type { Log } from '../log.js';

/** Turns the spool on and off as the profile says. */
export class Pacing {
  readonly #spool: StartSpool;
  readonly #log: Log;
  #isOn = false;
  #turning: Promise<void> = Promise.resolve();

  constructor(spool: StartSpool, log: Log) {
    this.#spool = spool;
    this.#log = log;
  }

  follow(settings: GuestSettings | undefined): void {
    this.#turn(settings?.start.pace_others === true);
  }

  async end(): Promise<void> {
    this.#turn(false);
    await this.#turning;
  }

  #turn(on: boolean): void {
    if (on === this.#isOn) return;
    this.#isOn = on;
    this.#turning = this.#turning
      .then(() => (on ? this.#spool.start() : this.#spool.stop()))
      .catch((error: Error) => this.#log.warn({ error: error.message }, 'starts of others are not paced'));
  }
}
