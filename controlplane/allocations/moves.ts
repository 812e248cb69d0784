/** Moves: one allocation from one host to another, with one commit for both. */
import type { Allocation } from '../../proto/gen/drover/v1/Allocation.js';
import { DroverError } from '../../proto/wire/errors.js';
import type { Registry } from '../fleet/registry.js';
import { movedTo, requestOf } from '../model/allocation.js';
import type { Chooser, Wish } from './chooser.js';
import type { Moved, WantedMove } from './claims-parts.js';
import type { Lapses } from './lapses.js';
import type { Ledger } from './ledger.js';

export interface MoveParts {
  readonly registry: Registry;
  readonly ledger: Ledger;
  readonly chooser: Chooser;
  readonly lapses: Lapses;
  now(): number;
  newSeed(): number;
  readonly log: { warn(fields: object, message: string): void };
}

export class Moves {
  readonly #parts: MoveParts;

  constructor(parts: MoveParts) {
    this.#parts = parts;
  }

  /** Moves a durable allocation, in its turn. The key of its last move answers that one. Errors: those of `Claims.move`. */
  async move(wanted: WantedMove, before: Allocation): Promise<Moved> {
    if (wanted.key !== '' && before.moveKey === wanted.key)
      return { allocation: before, fromHostName: before.movedFrom };
    const { now, log, ledger, lapses, chooser } = this.#parts;
    const wish = this.#wishOf(wanted, before);
    const choice = chooser.find(wish);
    if (!choice) throw chooser.why(wish);
    const { hostName: from } = before;
    const more = { attempts: 1, lapsesUnixMs: lapses.at(now()), movedFrom: from, moveKey: wanted.key };
    const allocation = movedTo(before, choice, more);
    ledger.mark(allocation);
    await ledger.commit({ puts: [{ now: allocation, before }], removed: [] });
    lapses.start(allocation, now());
    const { by, reason } = wanted;
    if (reason !== '')
      log.warn({ allocation: allocation.id, from, to: allocation.hostName, by, reason }, 'allocation moved');
    return { allocation, fromHostName: from };
  }

  #wishOf({ hostId }: WantedMove, before: Allocation): Wish {
    const { registry, newSeed } = this.#parts;
    if (hostId === before.hostId)
      throw new DroverError('failed-precondition', `allocation ${before.id} is on host ${before.hostName}`, {
        field: 'host',
        value: before.hostName,
      });
    const row = registry.rowOf(hostId === '' ? before.hostId : hostId);
    const where = row === undefined ? {} : hostId === '' ? { except: row } : { only: row };
    return { request: requestOf(before), seed: newSeed(), allocationId: before.id, ...where };
  }
}
