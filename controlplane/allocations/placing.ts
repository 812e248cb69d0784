/** Picks the hosts of claims and marks them there, and knows which allocation stands under which idempotency key. */
import type { Allocation } from '../../proto/gen/drover/v1/Allocation.js';
import { DroverError } from '../../proto/wire/errors.js';
import { answers, newAllocation } from '../model/allocation.js';
import type { Chooser, Wish } from './chooser.js';
import type { WantedClaim } from './claims-parts.js';
import type { Healing } from './healing.js';
import type { Lapses } from './lapses.js';
import type { Ledger, Put } from './ledger.js';
import { type Placed, type Refused, textOf } from './placed.js';
import type { Requests } from './requests.js';
import { TextIndex } from './text-index.js';

export interface PlacingParts {
  readonly ledger: Ledger;
  readonly chooser: Chooser;
  readonly lapses: Lapses;
  readonly requests: Requests;
  readonly healing: Healing;
  now(): number;
  newId(): string;
  newSeed?(): number;
}

export class Placing {
  readonly #parts: PlacingParts;
  readonly #idByKey: TextIndex<string>;

  constructor(parts: PlacingParts) {
    this.#parts = parts;
    this.#idByKey = new TextIndex((id, key) => this.#held(id)?.idempotencyKey === key);
  }

  #held(id: string): Allocation | undefined {
    return this.#parts.ledger.get(id) ?? this.#parts.ledger.marked(id);
  }

  /** Takes over an allocation that was stored. */
  remember({ idempotencyKey, id }: Allocation): void {
    if (idempotencyKey !== '') this.#idByKey.set(idempotencyKey, id);
  }

  /** The allocation that stands under a key. */
  idOf(key: string): string | undefined {
    return this.#idByKey.get(key);
  }

  /** What stands under the claim's key. Errors: `already-exists` when that is another request. */
  known({ key, request }: WantedClaim): Placed | undefined {
    const id = key === '' ? undefined : this.#idByKey.get(key);
    const known = id === undefined ? undefined : this.#held(id);
    if (!known) return undefined;
    if (answers(known, request)) return { allocation: known, existed: true };
    throw new DroverError(
      'already-exists',
      `idempotency key ${key} stands for allocation ${known.id} with another request`,
      { field: 'idempotency_key', value: key },
    );
  }

  seed(given = 0): number {
    return given || (this.#parts.newSeed?.() ?? 1);
  }

  #find(wish: Wish, refused?: Refused): NonNullable<ReturnType<Chooser['find']>> {
    const choice = this.#parts.chooser.find(wish);
    if (choice) return choice;
    const text = refused && textOf(wish.request);
    const error = (text === undefined ? undefined : refused?.get(text)) ?? this.#parts.chooser.why(wish);
    if (text !== undefined) refused?.set(text, error);
    throw error;
  }

  /** Picks a host and marks it taken: what is to be written. */
  mark({ request, key, by, seed }: WantedClaim, refused?: Refused): Put {
    const { now, newId } = this.#parts;
    const before = refused && refused.size > 0 ? refused.get(textOf(request) ?? '') : undefined;
    if (before) throw before;
    const choice = this.#find({ request, seed: this.seed(seed) }, refused);
    const nowMs = now();
    const allocation = newAllocation(request, choice, {
      id: newId(),
      idempotencyKey: key,
      createdUnixMs: nowMs,
      createdBy: by,
      lapsesUnixMs: this.#parts.lapses.at(nowMs),
    });
    const book = this.#parts.ledger.mark(allocation, choice.row);
    this.#parts.requests.keep(allocation.id, request);
    this.#parts.healing.noteDouble(allocation);
    if (key !== '') this.#idByKey.set(key, allocation.id);
    return { now: allocation, before: undefined, book };
  }

  forget({ idempotencyKey, id }: Allocation): void {
    if (idempotencyKey !== '') this.#idByKey.remove(idempotencyKey, id);
    this.#parts.lapses.stop();
    this.#parts.requests.drop(id);
  }
}
