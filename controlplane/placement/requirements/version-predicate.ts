/** Requirements on a hypervisor's version, as Python's `distutils.versionpredicate` reads them for Nova. Pure. */

export type VersionPredicate = readonly VersionTest[];

interface VersionTest {
  readonly isMet: (order: number) => boolean;
  readonly version: readonly number[];
  /** `1.0a1` comes before 1.0. */
  readonly isPrerelease: boolean;
}

const comparisons: Readonly<Record<string, (order: number) => boolean>> = {
  '<': (order) => order < 0,
  '<=': (order) => order <= 0,
  '==': (order) => order === 0,
  '!=': (order) => order !== 0,
  '>': (order) => order > 0,
  '>=': (order) => order >= 0,
};

/** Tests with commas between them, such as `>=4.4, <6.2.1`; undefined where one is none. Versions have two or three numbers. */
export function readVersionPredicate(text: string): VersionPredicate | undefined {
  if (text.includes('\n')) return undefined;
  const tests = text.split(',').map(readTest);
  return tests.every((test) => test !== undefined) ? tests : undefined;
}

function readTest(text: string): VersionTest | undefined {
  const [, comparison = '', major, minor, micro = '0', prerelease] =
    /^\s*(<=|>=|<|>|!=|==)\s*(\d+)\.(\d+)(?:\.(\d+))?([ab]\d+)?\s*$/.exec(text) ?? [];
  const isMet = comparisons[comparison];
  if (!isMet) return undefined;
  return {
    isMet,
    version: [Number(major), Number(minor), Number(micro)],
    isPrerelease: prerelease !== undefined,
  };
}

/**
 * The numbers of a version that Nova keeps as a x 1,000,000 + b x 1,000 + c; undefined where they are not two or three, which
 * Nova cannot compare.
 */
export function versionNumbers(version: number): readonly number[] | undefined {
  if (!Number.isSafeInteger(version) || version < 1000 || version >= 1e9) return undefined;
  const [c, b, a] = [version % 1000, Math.floor(version / 1000) % 1000, Math.floor(version / 1e6)];
  return a === 0 ? [b, c] : [a, b, c];
}

/** Whether a version of two or three numbers meets every test. */
export function meets(numbers: readonly number[], predicate: VersionPredicate): boolean {
  return predicate.every(({ isMet, version, isPrerelease }) => {
    const place = version.findIndex((number, index) => number !== (numbers[index] ?? 0));
    if (place >= 0) return isMet((numbers[place] ?? 0) - (version[place] as number));
    return isMet(isPrerelease ? 1 : 0);
  });
}
