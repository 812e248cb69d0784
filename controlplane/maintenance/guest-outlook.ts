/**
 * What a drain, a maintenance or its end does to each domain of a host. The agent's own plan counts, because it knows what
 * the domains say of themselves; without one it is worked out of the profile alone. Pure.
 */
import type { Domain } from '../../proto/gen/drover/v1/Domain.js';
import type { GuestOutlook } from '../../proto/gen/drover/v1/GuestOutlook.js';
import type { GuestStage } from '../../proto/gen/drover/v1/GuestStage.js';
import type { GuestProgress } from '../../proto/gen/drover/v1/GuestProgress.js';
import type { GuestSettings } from '../../proto/wire/guest-settings.js';
import { matchesPattern } from '../model/selector.js';

/** Between guests that come first and those that come last, as agents count it. */
const middleOrder = 1000;

export interface GuestsAsked {
  readonly domains: readonly Domain[];
  isManaged(domain: Domain): boolean;
  /** undefined: no profile with such a section selects the host. */
  readonly settings: GuestSettings | undefined;
  /** As the agent told it; empty: it told none. */
  readonly plan: readonly GuestProgress[];
}

/** Every domain stays as it is. */
export function staying({ domains, isManaged }: GuestsAsked): GuestOutlook[] {
  return domains.map((domain) => ({
    ...{ domain, wave: 0, action: 'stays', managed: isManaged(domain) },
    detail: isRunning(domain) ? 'goes on running' : domain.state,
  }));
}

/** Every domain that runs is stopped, in the order of the waves; the others come last. */
export function stopping(asked: GuestsAsked): GuestOutlook[] {
  const running = asked.domains.filter(isRunning);
  const planned = new Map(asked.plan.map((guest) => [guest.uuid, guest]));
  const guessed = wavesBySettings(running, asked.settings);
  const stopped = running.map((domain): GuestOutlook => {
    const plan = planned.get(domain.uuid);
    const wave = plan?.wave ?? guessed.get(domain.uuid) ?? 1;
    const detail = plan?.message || howStopped(domain, asked.settings);
    return { domain, wave, action: 'shut-down', managed: asked.isManaged(domain), detail };
  });
  const others = asked.domains.filter((domain) => !isRunning(domain));
  return [...stopped.toSorted((a, b) => a.wave - b.wave), ...staying({ ...asked, domains: others })];
}

/** Who is off by a stop is started, or is by a start that failed; `stage`: of the two, as the agent told it. */
export function starting(asked: GuestsAsked, stage: Pick<GuestStage, 'kind' | 'guests'>): GuestOutlook[] {
  const starts = stage.kind === 'start' ? startsAgain(stage.guests) : startsAfter(stage.guests);
  const outlooks = asked.domains.map((domain): GuestOutlook => {
    const start = isRunning(domain) ? undefined : starts.get(domain.uuid);
    const [stays] = staying({ ...asked, domains: [domain] }) as [GuestOutlook];
    return start ? { ...stays, ...start, action: 'started' } : stays;
  });
  return outlooks.toSorted((a, b) => (a.wave || Infinity) - (b.wave || Infinity) || 0);
}

type Starts = ReadonlyMap<string, Pick<GuestOutlook, 'wave' | 'detail'>>;

/** The last that stopped is the first. Whom the stop did not come to, or left as told, is none of its own. */
function startsAfter(stopped: readonly GuestProgress[]): Starts {
  const waves = Math.max(0, ...stopped.map(({ wave }) => wave));
  const touched = stopped.filter(({ state }) => state !== 'waiting' && state !== 'left');
  return new Map(
    touched.map(({ uuid, wave }) => [uuid, { wave: waves + 1 - wave, detail: 'was stopped for it' }]),
  );
}

/** Those that came up, and that their owner may have turned off since, are left alone. */
function startsAgain(started: readonly GuestProgress[]): Starts {
  const missing = started.filter(({ state }) => state !== 'running' && state !== 'stopped');
  return new Map(
    missing.map(({ uuid, wave, message }) => [uuid, { wave, detail: `did not start: ${message || '-'}` }]),
  );
}

/** Has a machine that would have to be stopped. */
export function isRunning({ state }: Pick<Domain, 'state'>): boolean {
  return ['running', 'blocked', 'paused', 'pmsuspended', 'shutdown', 'unknown'].includes(state);
}

type Rule = Partial<GuestSettings['rules'][number]>;

function ruleOf(domain: Pick<Domain, 'name'>, settings: GuestSettings | undefined): Rule {
  const found = settings?.rules.find(({ domains }) =>
    domains.some((pattern) => matchesPattern(pattern, domain.name)),
  );
  return found ?? {};
}

/** A stop goes by order descending, and what others need stops after them. */
function wavesBySettings(
  domains: readonly Domain[],
  settings: GuestSettings | undefined,
): ReadonlyMap<string, number> {
  const byName = new Map(domains.map((domain) => [domain.name, domain]));
  const places = new Map(domains.map((domain) => [domain, ruleOf(domain, settings).order ?? middleOrder]));
  // Each round settles one more link of a chain of needs; a circle ends with the rounds.
  for (let round = 0, moved = true; moved && round < Math.min(domains.length, 64); round++) {
    moved = false;
    for (const domain of domains)
      for (const name of ruleOf(domain, settings).after ?? []) {
        const needed = places.get(byName.get(name) ?? domain) as number;
        if (!byName.has(name) || byName.get(name) === domain || (places.get(domain) as number) > needed)
          continue;
        places.set(domain, needed + 1e-6);
        moved = true;
      }
  }
  const steps = [...new Set(places.values())].toSorted((a, b) => b - a);
  return new Map([...places].map(([{ uuid }, place]) => [uuid, steps.indexOf(place) + 1]));
}

const lastWords = {
  'power-off': 'powered off',
  'managed-save': 'saved to disk',
  leave: 'left running',
} as const;

/** `asked by acpi, then agent; powered off after 60 s`. */
function howStopped(domain: Domain, settings: GuestSettings | undefined): string {
  if (!settings) return 'as its agent has it';
  const rule = ruleOf(domain, settings);
  const { stop } = settings;
  const ask = (rule.ask ?? stop.ask).join(', then ');
  return `asked by ${ask}; ${lastWords[rule.then ?? stop.then]} after ${rule.grace_seconds ?? stop.grace_seconds} s`;
}
