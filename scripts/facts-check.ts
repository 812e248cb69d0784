/**
 * Holds the facts against captured hosts: `node build/scripts/facts-check.js DIR`. DIR holds a folder for each host with
 * `tree.tar.gz` (its /proc and /sys) and `expected.json` (what other tools say of it); folders of cgroup layouts may be
 * among them or below. One line of JSON goes to stdout, each disagreement as a sentence to stderr. Exit code 0: all agree.
 */
import { execFile } from 'node:child_process';
import { accessSync, constants, existsSync, realpathSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { HostRoot } from '../agent/kernel/root.js';
import { compareHost } from './facts-check/compare-host.js';
import { compareLayout, isLayout } from './facts-check/compare-layout.js';
import { sameJson } from './facts-check/expected.js';
import type { Comparison, Disagreement, Expected, Untold } from './facts-check/expected.js';

const run = promisify(execFile);

/** A tree of 10,000 files unpacks in one to three seconds; a tar that hangs must not hang the check. */
const unpackDeadlineMs = 60_000;

/** Half of a tree is files that no fact reads; making and removing them is what the check would mostly do. */
const notUnpacked = [
  ...['number_of_sets', 'ways_of_associativity', 'coherency_line_size', 'physical_line_partition'],
  ...['write_policy', 'allocation_policy', 'scaling_*', 'node*/memory[0-9]*', 'devices/system/memory'],
].map((pattern) => `--exclude=${pattern}`);

export interface CheckReport {
  readonly machines: number;
  readonly agree: number;
  readonly layouts: number;
  readonly layoutsAgree: number;
  /** Fields compared. */
  readonly checks: number;
  readonly disagree: Disagreement[];
  readonly untold: Untold[];
}

interface Checked {
  readonly machine: string;
  readonly layout: boolean;
  readonly comparisons: Comparison[];
}

/**
 * Checks every dump in `directory` and two levels below, one after another: each is unpacked below `scratch` and removed
 * again. Errors: a folder or `expected.json` that cannot be read.
 */
export async function checkDumps(directory: string, scratch = scratchDirectory()): Promise<CheckReport> {
  const checked: Checked[] = [];
  for (const dump of await findDumps(directory, 2)) checked.push(await checkDump(directory, dump, scratch));
  return report(checked);
}

/** In memory where there is such a place: 19 hosts took 3 s there and 24 s on the disk beside it (two busy cores). */
function scratchDirectory(): string {
  try {
    accessSync('/dev/shm', constants.W_OK);
    return '/dev/shm';
  } catch {
    return tmpdir();
  }
}

async function findDumps(directory: string, depth: number): Promise<string[]> {
  if (existsSync(join(directory, 'expected.json'))) return [directory];
  if (depth === 0) return [];
  const entries = await readdir(directory, { withFileTypes: true });
  const folders = entries.filter((entry) => entry.isDirectory()).map(({ name }) => join(directory, name));
  return (await Promise.all(folders.sort().map((folder) => findDumps(folder, depth - 1)))).flat();
}

async function checkDump(directory: string, dump: string, scratch: string): Promise<Checked> {
  const expected = JSON.parse(await readFile(join(dump, 'expected.json'), 'utf8')) as Expected;
  const machine = relative(directory, dump) || basename(dump);
  const layout = isLayout(expected);
  const tree = await mkdtemp(join(scratch, 'drover-facts-'));
  try {
    await run('tar', ['-xzf', join(dump, 'tree.tar.gz'), '-C', tree, ...notUnpacked], {
      timeout: unpackDeadlineMs,
    });
    return {
      machine,
      layout,
      comparisons: (layout ? compareLayout : compareHost)(new HostRoot(tree), expected),
    };
  } catch (thrown) {
    // One broken dump is told like any disagreement and keeps no other from being checked.
    return {
      machine,
      layout,
      comparisons: [{ field: 'tree', expected: 'can be checked', got: String(thrown) }],
    };
  } finally {
    await rm(tree, { recursive: true, force: true });
  }
}

function report(checked: readonly Checked[]): CheckReport {
  const disagree = checked.flatMap(({ machine, comparisons }) => {
    const wrong = comparisons.filter(({ untold, expected, got }) => !untold && !sameJson(expected, got));
    return wrong.map(({ field, expected, got }): Disagreement => ({
      machine,
      field,
      expected,
      got: got ?? null,
    }));
  });
  const untold = checked.flatMap(({ machine, comparisons }) => {
    return comparisons.flatMap(({ field, expected, untold: reason }) =>
      reason ? [{ machine, field, expected, reason }] : [],
    );
  });
  const wrongMachines = new Set(disagree.map(({ machine }) => machine));
  const count = (layout: boolean, agreeing: boolean) =>
    checked.filter((each) => each.layout === layout && !(agreeing && wrongMachines.has(each.machine))).length;
  return {
    ...{ machines: count(false, false), agree: count(false, true) },
    ...{ layouts: count(true, false), layoutsAgree: count(true, true) },
    checks: checked.flatMap(({ comparisons }) => comparisons).length - untold.length,
    ...{ disagree, untold },
  };
}

/** Prints the report; answers the exit code: 0 all agree, 1 some do not or nothing was found, 64 wrong usage. */
async function main(directory: string | undefined): Promise<number> {
  if (directory === undefined || !existsSync(directory)) {
    process.stderr.write('usage: facts-check DIR (a folder of captured hosts)\n');
    return 64;
  }
  const found = await checkDumps(directory);
  for (const { machine, field, expected, got } of found.disagree) {
    process.stderr.write(
      `${machine}: ${field}: expected ${JSON.stringify(expected)}, got ${JSON.stringify(got)}\n`,
    );
  }
  for (const { machine, field, expected, reason } of found.untold) {
    process.stderr.write(
      `${machine}: ${field}: expected ${JSON.stringify(expected)}, not compared: ${reason}\n`,
    );
  }
  process.stdout.write(`${JSON.stringify(found)}\n`);
  return found.disagree.length === 0 && found.machines + found.layouts > 0 ? 0 : 1;
}

if (process.argv[1] !== undefined && realpathSync(process.argv[1]) === fileURLToPath(import.meta.url)) {
  process.exitCode = await main(process.argv[2]);
}
