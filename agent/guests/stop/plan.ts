/** Proves beforehand that order, grace and parallelism fit the time there is. Pure. */
import type { GuestSettings } from '../../../proto/wire/guest-settings.js';
import { invalid } from '../../../proto/wire/errors.js';
import { wavesOf } from '../waves.js';
import { lengthMs, turnsOf } from './schedule.js';
import { sharersOf, type StopGuest, worstMs } from './stop-guest.js';

/** Times are milliseconds from the begin of the stop, each the latest that it can be. */
export interface PlannedGuest {
  readonly guest: StopGuest;
  readonly worstMs: number;
  readonly beginMs: number;
  readonly endMs: number;
}

export interface PlannedWave {
  /** From 1. */
  readonly number: number;
  readonly beginMs: number;
  readonly endMs: number;
  /** In the order in which they are taken: the longest first. */
  readonly guests: readonly PlannedGuest[];
}

/** What would make a plan fit that does not. */
export interface StopAdvice {
  /** Smallest `parallel` that fits; undefined: no number does. */
  readonly parallel: number | undefined;
  /** Smallest budget that fits, as it is. */
  readonly budgetSeconds: number;
  /** The longest of each wave, longest first: no parallelism shortens these. At most 5. */
  readonly longest: readonly PlannedGuest[];
}

export interface StopPlan {
  readonly waves: readonly PlannedWave[];
  /** Guests at once, within a wave. */
  readonly parallel: number;
  readonly budgetMs: number;
  readonly totalMs: number;
  /** 0: it fits. */
  readonly overMs: number;
  /** `warn` and `refuse` (of `guests.stop.over_budget`): it does not fit. */
  readonly verdict: 'fits' | 'warn' | 'refuse';
  /** Of a plan that does not fit. */
  readonly advice?: StopAdvice;
  /** What was declared and cannot be kept, and who may stay running. */
  readonly warnings: readonly string[];
}

type StopSettings = Pick<GuestSettings['stop'], 'parallel' | 'over_budget'>;

const longestShown = 5;

/** The most that `guests.stop.parallel` can be. */
export const mostParallel = 256;

/**
 * The waves of a stop with their latest begin and end, as long as libvirt answers. Guests of a wave are taken longest first,
 * `parallel` at once, which `runStop` does too. Errors: `invalid-argument` for a budget or parallelism below 1.
 */
export function planStop(guests: readonly StopGuest[], settings: StopSettings, budgetMs: number): StopPlan {
  const { parallel, over_budget } = settings;
  if (!(budgetMs >= 1)) throw invalid('guests.stop.budget_seconds', budgetMs / 1000, 'more than 0 seconds');
  if (!Number.isInteger(parallel) || parallel < 1)
    throw invalid('guests.stop.parallel', parallel, 'a whole number from 1');
  const { waves: groups, faults } = wavesOf(guests, 'stop');
  const waves = timed(groups, parallel);
  const totalMs = waves.at(-1)?.endMs ?? 0;
  const overMs = Math.max(0, totalMs - budgetMs);
  const plan = { waves, parallel, budgetMs, totalMs, overMs, warnings: [...faults, ...stayers(guests)] };
  if (overMs === 0) return { ...plan, verdict: 'fits' };
  return { ...plan, verdict: over_budget, advice: adviceOf(waves, budgetMs, totalMs) };
}

/** The latest that the rest of a plan takes from this wave (its index) on, with `parallel` at once. */
export function remainingMs({ waves }: Pick<StopPlan, 'waves'>, from: number, parallel: number): number {
  return waves
    .slice(from)
    .map(({ guests }) => guests.map(({ guest }) => guest))
    .reduce((sum, wave) => sum + lengthMs(worstOf(wave, parallel), parallel), 0);
}

/** The parallelism for the rest of a plan in `ms`: its own, or the smallest above it that fits, or the most. */
export function parallelWithin(plan: StopPlan, from: number, ms: number): number {
  return smallestParallel(plan, from, ms, plan.parallel) ?? Math.max(plan.parallel, mostParallel);
}

/** From `least` up; undefined: none fits, because each wave takes as long as its longest guest. */
function smallestParallel(
  plan: Pick<StopPlan, 'waves'>,
  from: number,
  ms: number,
  least: number,
): number | undefined {
  const widest = plan.waves.reduce((most, { guests }) => Math.max(most, guests.length), least);
  const most = Math.max(least, Math.min(widest, mostParallel));
  for (let parallel = least; parallel <= most; parallel++)
    if (remainingMs(plan, from, parallel) <= ms) return parallel;
  return undefined;
}

function timed(groups: readonly (readonly StopGuest[])[], parallel: number): PlannedWave[] {
  let begin = 0;
  return groups.map((group, index) => {
    const beginMs = begin;
    const worst = worstOf(group, parallel);
    const longest = group
      .map((guest, at) => ({ guest, worstMs: worst[at] as number }))
      .toSorted((a, b) => b.worstMs - a.worstMs); // stable: those as long as each other stay by name
    const turns = turnsOf(
      longest.map((one) => one.worstMs),
      parallel,
    );
    const guests = longest.map((one, at) => {
      const turn = turns[at] as (typeof turns)[number];
      return { ...one, beginMs: beginMs + turn.beginMs, endMs: beginMs + turn.endMs };
    });
    begin = guests.reduce((last, { endMs }) => Math.max(last, endMs), begin);
    return { number: index + 1, beginMs, endMs: begin, guests };
  });
}

function worstOf(wave: readonly StopGuest[], parallel: number): number[] {
  const sharers = sharersOf(wave, parallel);
  return wave.map((guest) => worstMs(guest, sharers));
}

function adviceOf(waves: readonly PlannedWave[], budgetMs: number, totalMs: number): StopAdvice {
  const longest = waves
    .flatMap(({ guests }) => guests.slice(0, 1))
    .toSorted((a, b) => b.worstMs - a.worstMs)
    .slice(0, longestShown);
  const parallel = smallestParallel({ waves }, 0, budgetMs, 1);
  return { parallel, budgetSeconds: Math.ceil(totalMs / 1000), longest };
}

function stayers(guests: readonly StopGuest[]): string[] {
  const names = guests.filter(({ policy }) => policy.then === 'leave').map(({ name }) => name);
  if (names.length === 0) return [];
  return [`left running if they do not obey, so their ports may stay behind: ${names.join(', ')}`];
}
