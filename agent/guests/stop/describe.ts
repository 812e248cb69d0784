/** A plan as a person reads it. Pure. */
import type { PlannedWave, StopPlan } from './plan.js';

const namesShown = 6;

/** Lines of a plan: what it comes to, a line for each wave with its latest begin and end, advice and warnings. */
export function describePlan(plan: StopPlan): string[] {
  return [headline(plan), ...plan.waves.map(waveLine), ...adviceLines(plan), ...plan.warnings];
}

/** `2 h 3 min 4 s` of milliseconds, rounded up to seconds; what is 0 is left out. */
export function durationText(ms: number): string {
  const seconds = Math.ceil(ms / 1000);
  const parts = [
    [Math.floor(seconds / 3600), 'h'],
    [Math.floor(seconds / 60) % 60, 'min'],
    [seconds % 60, 's'],
  ] as const;
  const said = parts.filter(([count]) => count > 0).map(([count, unit]) => `${count} ${unit}`);
  return said.length === 0 ? '0 s' : said.join(' ');
}

function headline({ waves, parallel, totalMs, budgetMs, overMs }: StopPlan): string {
  const guests = waves.reduce((sum, wave) => sum + wave.guests.length, 0);
  const what = `${count(guests, 'guest')} in ${count(waves.length, 'wave')}, ${parallel} at once`;
  const verdict = overMs === 0 ? 'fits' : `does not fit, by ${durationText(overMs)}`;
  return `${what}: at most ${durationText(totalMs)} of ${durationText(budgetMs)}: ${verdict}`;
}

function waveLine({ number, beginMs, endMs, guests }: PlannedWave): string {
  const names = guests.slice(0, namesShown).map(({ guest }) => guest.name);
  const more = guests.length > namesShown ? [`${guests.length - namesShown} more`] : [];
  const time = `from ${durationText(beginMs)} to ${durationText(endMs)}`;
  return `wave ${number}, ${time}: ${[...names, ...more].join(', ')}`;
}

function adviceLines({ advice, parallel }: StopPlan): string[] {
  if (!advice) return [];
  const longest = advice.longest.map(({ guest, worstMs }) => `${guest.name} ${durationText(worstMs)}`);
  return [
    advice.parallel === undefined
      ? 'no parallelism makes it fit: each wave takes as long as its longest guest'
      : `it fits with parallel ${advice.parallel} instead of ${parallel}`,
    `it fits with budget_seconds ${advice.budgetSeconds}`,
    `longest of their waves: ${longest.join(', ')}`,
  ];
}

function count(number: number, word: string): string {
  return `${number} ${word}${number === 1 ? '' : 's'}`;
}
