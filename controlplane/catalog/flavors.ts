/** Flavors, records `catalog/flavor/<name>`. What was placed with one keeps what it has when the flavor changes. */
import type { Flavor, FlavorInput } from '../../proto/gen/drover/v1/Flavor.js';
import { invalid } from '../../proto/wire/errors.js';
import { codec } from '../../proto/wire/load.js';
import type { CommitQueue } from '../fleet/directory.js';
import { checkFlavor } from '../model/flavor.js';
import type { Records } from '../store/store.js';
import { catalogLimits } from './limits.js';
import { checkNewest, stampAfter } from './newest.js';
import { checkCatalogName, Shelf } from './shelf.js';
import { unknownName } from './unknown-name.js';

export class Flavors {
  readonly #shelf: Shelf<FlavorInput, Flavor>;
  readonly #now: () => number;

  constructor(commits: CommitQueue, now: () => number, most: number = catalogLimits.flavors) {
    this.#now = now;
    this.#shelf = new Shelf(commits, {
      noun: 'flavor',
      prefix: 'catalog/flavor/',
      codec: () => codec('Flavor'),
      keyOf: ({ name }) => name,
      nameOf: ({ name }) => name,
      most,
    });
  }

  load(records: Records): void {
    this.#shelf.load(records);
  }

  /** Every flavor, by name. */
  all(): readonly Flavor[] {
    return this.#shelf.all();
  }

  /** Errors: `not-found` with the nearest name. */
  get(name: string, field = 'name'): Flavor {
    const found = this.#shelf.get(name);
    if (!found) throw unknownName('flavor', name, field, this.#names(), 'drover flavor list');
    return found;
  }

  *#names(): Iterable<string> {
    for (const { name } of this.#shelf.all()) yield name;
  }

  /**
   * Makes a flavor, or replaces the one of that name; durable when it resolves. Where `updatedUnixMs` is given it must be that
   * of the one that is replaced. Errors: `invalid-argument`, `stale-revision`, `resource-exhausted`.
   */
  async put(given: Flavor | null, field = 'flavor'): Promise<Flavor> {
    if (given === null) throw invalid(field, 'nothing', 'a flavor with name, vcpus and memory_mb');
    const name = checkCatalogName(given.name, `${field}.name`);
    const { extraSpecs, ...amounts } = checkFlavor(given, field, name);
    return this.#shelf.inTurn(async () => {
      const before = this.#shelf.get(name);
      checkNewest('flavor', given, before);
      const updatedUnixMs = stampAfter(this.#now(), before);
      return this.#shelf.put(name, { ...amounts, extraSpecs: { ...extraSpecs }, updatedUnixMs });
    });
  }

  /** Errors: `not-found`. */
  async delete(name: string): Promise<void> {
    await this.#shelf.inTurn(async () => this.#shelf.remove(this.get(name).name));
  }
}
