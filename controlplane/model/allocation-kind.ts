/**
 * What many allocations say alike: size, flavor, project and the like. It is held once for all of them, so that a claim that
 * is made takes a reference and not eleven fields, and the collector has that much less to move.
 */
import type { Allocation } from '../../proto/gen/drover/v1/Allocation.js';
import { isSameRest } from './request-rest.js';

export type Kind = Readonly<
  Pick<
    Allocation,
    | ('vcpus' | 'memoryMb' | 'diskMb' | 'extraSpecs' | 'createdBy' | 'availabilityZone')
    | ('state' | 'flavor' | 'projectId' | 'serverGroupId' | 'attempts' | 'requestRest')
  >
>;

/**
 * Kinds that are found again, and the longest text of one, in characters: beyond either they are held twice, which costs room
 * and changes nothing.
 */
export const kindLimits = { kinds: 4_096, text: 4_096 } as const;

export class Kinds {
  readonly #most: number;
  readonly #byText = new Map<string, Kind>();
  #last: Kind | undefined;

  constructor(most: number = kindLimits.kinds) {
    this.#most = most;
  }

  get size(): number {
    return this.#byText.size;
  }

  /** The kind that says the same as `wanted`. */
  of(wanted: Kind): Kind {
    if (this.#last === undefined || !isSameKind(this.#last, wanted)) this.#last = this.#find(wanted);
    return this.#last;
  }

  #find(wanted: Kind): Kind {
    const text = textOf(wanted);
    const known = this.#byText.get(text);
    if (known) return known;
    if (text.length > kindLimits.text) return kindOf(wanted);
    if (this.#byText.size >= this.#most) this.#byText.clear();
    const kind = kindOf(wanted);
    this.#byText.set(text, kind);
    return kind;
  }
}

/** A copy with the fields of a kind alone: an allocation that is held has them on its prototype, where spreading does not see them. */
export function kindOf(wanted: Kind): Kind {
  return {
    vcpus: small(wanted.vcpus),
    memoryMb: small(wanted.memoryMb),
    diskMb: small(wanted.diskMb),
    extraSpecs: wanted.extraSpecs,
    createdBy: wanted.createdBy,
    availabilityZone: wanted.availabilityZone,
    state: wanted.state,
    flavor: wanted.flavor,
    projectId: wanted.projectId,
    serverGroupId: wanted.serverGroupId,
    attempts: small(wanted.attempts),
    requestRest: wanted.requestRest,
  };
}

/** A text that kinds have alike only where they are the same. */
function textOf({ vcpus, memoryMb, diskMb, extraSpecs, attempts, requestRest, ...texts }: Kind): string {
  const { createdBy, availabilityZone, state, flavor, projectId, serverGroupId } = texts;
  const sizes = [vcpus, memoryMb, diskMb, attempts];
  return JSON.stringify([
    ...sizes,
    ...[createdBy, availabilityZone, state, flavor, projectId, serverGroupId],
    extraSpecs,
    requestRest,
  ]);
}

/** By the fields, each named: to go through a list of names costs more than to hold them twice. */
function isSameKind(one: Kind, other: Kind): boolean {
  return (
    one.vcpus === other.vcpus &&
    one.memoryMb === other.memoryMb &&
    one.diskMb === other.diskMb &&
    one.createdBy === other.createdBy &&
    one.availabilityZone === other.availabilityZone &&
    one.state === other.state &&
    one.flavor === other.flavor &&
    one.projectId === other.projectId &&
    one.serverGroupId === other.serverGroupId &&
    one.attempts === other.attempts &&
    isSameRest(one.requestRest, other.requestRest) &&
    isSameSpecs(one.extraSpecs, other.extraSpecs)
  );
}

/** One object, or two without keys. Others that say the same are found by their text. */
function isSameSpecs(one: object, other: object): boolean {
  if (one === other) return true;
  for (const _key in one) return false;
  for (const _key in other) return false;
  return true;
}

/** The same number, held in place where it fits 32 bits: numbers that were decoded from 64 bits take 16 bytes each. */
export function small(number: number): number {
  const short = number | 0;
  return short === number ? short : number;
}
