/** Values of settings as `nova.conf` has them: text to value and back. Each reader names the setting in its error. Pure. */
import { invalid } from '../../proto/wire/errors.js';
import type { MetricRatio } from '../model/scheduler-settings.js';

/** One kind of value. `parse` errors: `invalid-argument` naming the setting. */
export interface ValueKind<Value> {
  parse(text: string, name: string): Value;
  print(value: Value): string;
}

const decimal = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i;
const yes = ['true', '1', 'yes', 'on'];
const no = ['false', '0', 'no', 'off'];
const listLimit = 1_000;
/** Largest factor of a weight: sums and products of weights stay finite, so that every host has a place in the order. */
export const largestFactor = 1e100;

export function whole(least: number, most: number): ValueKind<number> {
  return {
    parse(text, name) {
      const value = /^\d{1,15}$/.test(text) ? Number(text) : Number.NaN;
      if (value >= least && value <= most) return value;
      throw invalid(name, text, `a whole number, ${least} to ${most}`);
    },
    print: String,
  };
}

/** A finite number, above `above` where that is given and at most `most`. */
export function number(cure: string, above = -Infinity, most = Number.MAX_VALUE): ValueKind<number> {
  return {
    parse(text, name) {
      const value = decimal.test(text) ? Number(text) : Number.NaN;
      if (value > above && value <= most) return value;
      throw invalid(name, text, cure);
    },
    print: (value) => (Number.isInteger(value) && Math.abs(value) < 1e15 ? value.toFixed(1) : String(value)),
  };
}

export const truth: ValueKind<boolean> = {
  parse(text, name) {
    if (yes.includes(text.toLowerCase())) return true;
    if (no.includes(text.toLowerCase())) return false;
    throw invalid(name, text, 'true or false');
  },
  print: String,
};

/** A text that `isGood` takes. */
export function words(cure: string, isGood: (text: string) => boolean): ValueKind<string> {
  return {
    parse(text, name) {
      if (isGood(text)) return text;
      throw invalid(name, text, cure);
    },
    print: (value) => value,
  };
}

/** As `words`, and null where nothing is set. */
export function wordsOrNothing(cure: string, isGood: (text: string) => boolean): ValueKind<string | null> {
  return { parse: words(cure, isGood).parse, print: (value) => value ?? '' };
}

/** Names with commas between them, each once. `check` throws for a name that may not be there. */
export function names(
  check: (word: string, name: string) => void,
  cure = 'names with commas between them, each once',
): ValueKind<readonly string[]> {
  return {
    parse(text, name) {
      const list = split(text);
      if (list.length > listLimit) throw invalid(name, `${list.length} names`, `at most ${listLimit}`);
      for (const word of list) check(word, name);
      const twice = list.find((word, index) => list.indexOf(word) !== index);
      if (twice !== undefined) throw invalid(name, `${twice} twice`, cure);
      return list;
    },
    print: (value) => value.join(','),
  };
}

/** Nova's `[metrics] weight_setting`: `name1=1.0, name2=-0.5`. Of a name that comes twice the ratios add up, as there. */
export const metricRatios: ValueKind<readonly MetricRatio[]> = {
  parse(text, name) {
    const list = split(text);
    if (list.length > listLimit) throw invalid(name, `${list.length} metrics`, `at most ${listLimit}`);
    return list.map((pair) => {
      const at = pair.lastIndexOf('=');
      const [metric, ratio] = [pair.slice(0, at).trim(), pair.slice(at + 1).trim()];
      if (at < 1 || metric === '' || !decimal.test(ratio) || !(Math.abs(Number(ratio)) <= largestFactor))
        throw invalid(name, pair, 'metrics with their ratios: cpu.percent=-1.0, cpu.idle.percent=1.0');
      return { name: metric, ratio: Number(ratio) };
    });
  },
  print: (value) => value.map(({ name, ratio }) => `${name}=${ratioKind.print(ratio)}`).join(', '),
};

const ratioKind = number('a number');

function split(text: string): string[] {
  return text
    .split(',')
    .map((word) => word.trim())
    .filter((word) => word !== '');
}
