/** The words of this room: a guest, how it wants to be stopped and started, and how far that has come. */
import type { AskingWay, LastResort } from '../../proto/wire/guest-settings.js';

/** How one guest is stopped and started: its own metadata over the profile's rule over the profile's defaults. */
export interface GuestPolicy {
  /** Starts ascending, stops descending. */
  readonly order: number;
  /** Names or UUIDs of guests that it needs: it starts after them and stops before them. */
  readonly after: readonly string[];
  /** From the first asking to the last resort. */
  readonly graceMs: number;
  /** Ways to ask, in turn. */
  readonly ask: readonly AskingWay[];
  readonly then: LastResort;
  /** Whether it runs again after a boot if it ran before. */
  readonly resume: boolean;
}

export interface Guest {
  readonly uuid: string;
  readonly name: string;
  /** libvirt's id of this start; -1: not active. */
  readonly id: number;
  readonly policy: GuestPolicy;
}

export type StageKind = 'stop' | 'start';
export type StageCause = 'host-shutdown' | 'maintenance' | 'command' | 'boot';

/** Where a guest stands in a stage. */
export type GuestState =
  | 'waiting'
  | 'asked'
  | 'saving'
  | 'powering-off'
  | 'stopped'
  | 'starting'
  | 'running'
  | 'left' // as told
  | 'failed';

export interface GuestStanding {
  readonly uuid: string;
  readonly name: string;
  /** Of a stop: libvirt's id of the start that is stopped, so that a grace is not kept for another start. */
  readonly id?: number;
  /** From 1. */
  readonly wave: number;
  readonly state: GuestState;
  readonly message: string;
  readonly sinceMs: number;
}

/** One stop or start of guests, as it stands. */
export interface Stage {
  readonly id: string;
  readonly kind: StageKind;
  readonly cause: StageCause;
  readonly state: 'running' | 'done' | 'failed' | 'cut-off';
  readonly startedMs: number;
  /** 0: not ended. */
  readonly endedMs: number;
  readonly waves: number;
  readonly message: string;
  readonly guests: readonly GuestStanding[];
}
