/** What claims are made of and what they answer. */
import type { Allocation } from '../../proto/gen/drover/v1/Allocation.js';
import type { DroverError } from '../../proto/wire/errors.js';
import type { Registry } from '../fleet/registry.js';
import type { CheckedRequest } from '../model/request.js';
import type { ServerGroup } from '../model/server-group.js';
import type { Rules } from '../placement/select.js';
import type { CommitQueue } from './commit-lane.js';
import type { RunningDomain } from './domain-set.js';
import type { LedgerLimits } from './ledger.js';

export interface ClaimLimits extends LedgerLimits {
  /** Claims, releases and moves that wait for their commit. */
  readonly inFlight: number;
  /** Claims of one placeMany. */
  readonly batch: number;
}

export const defaultClaimLimits: ClaimLimits = { perHost: 10_000, inFlight: 10_000, batch: 1_000 };

export interface ClaimsParts {
  readonly registry: Registry;
  readonly commits: CommitQueue;
  /** Unix ms. */
  now(): number;
  /** Ids that grow with time make the store's work less. */
  newId(): string;
  /** Seeds of claims that bring none: whole numbers from 1. Absent: all the same. */
  newSeed?(): number;
  /** The rules in force, asked for each claim; or the same ones always. */
  readonly rules?: Rules | (() => Rules);
  groupOf?(id: string): ServerGroup | undefined;
  readonly limits?: Partial<ClaimLimits>;
  /** How long a claim waits for its agent; 0 and absent: for ever. */
  readonly claimTtlMs?: number;
  /** Allocations whose domain is long gone are given back. */
  readonly releasesOrphans?: boolean;
  readonly log?: { warn(fields: object, message: string): void };
  /** Domains of a host whose agent is connected; undefined: nobody knows. */
  domainsOf?(hostId: string): readonly RunningDomain[] | undefined;
  /** Told of a host in the same turn in which it no longer holds an allocation: its domain may still run. */
  freed?(hostId: string): void;
  /** Told of a host when its durable allocations have changed. */
  changed?(hostId: string): void;
}

export interface WantedClaim {
  readonly request: CheckedRequest;
  /** Empty: none; the claim is then always a new one. */
  readonly key: string;
  /** Who claims. */
  readonly by: string;
  /** Decides between equals; 0 or absent: one is made. */
  readonly seed?: number;
}

export interface WantedMove {
  readonly allocationId: string;
  /** Empty: the best other host. */
  readonly hostId: string;
  readonly key: string;
  readonly by: string;
  readonly reason: string;
}

export interface Claimed {
  readonly allocation: Allocation;
  /** Of its host, with the allocation or later. */
  readonly hostGeneration: number;
  /** The key was known. */
  readonly existed: boolean;
  /** The allocation encoded, where that is at hand: as it was just stored. */
  readonly stored?: Uint8Array;
}

export interface Moved {
  readonly allocation: Allocation;
  readonly fromHostName: string;
}

export type PlaceOutcome = Claimed | { readonly error: DroverError };
