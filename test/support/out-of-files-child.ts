/**
 * A reconciler in a process that has no file descriptor left: run by itself, it prints what became of the ledger as one line
 * of JSON.
 */
import { closeSync, mkdtempSync, openSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Ledger } from '../../agent/reconcile/ledger.js';
import { Reconciler } from '../../agent/reconcile/reconciler.js';
import { incarnationRuns } from '../../agent/tuners/common/domain-knob.js';
import { tuners } from '../../agent/tuners/index.js';
import { asDroverError } from '../../proto/wire/errors.js';
import type { TunerSettings } from '../../proto/wire/tuner-settings.js';
import { FakeHost } from './fake-host.js';

export interface WithoutFiles {
  readonly entriesBefore: number;
  readonly entries: number;
  readonly writes: number;
  /** Of the entries' domains, how many are taken for running. */
  readonly running: number;
  /** What each call answered: codes of errors, or outcomes with reasons. */
  readonly answers: readonly string[];
  /** Entries, and whether the host is as it was, once files can be opened again and all is put back. */
  readonly entriesAfter: number;
  readonly isRestored: boolean;
}

/** Every descriptor up to the limit. */
function takeAll(): number[] {
  const taken: number[] = [];
  try {
    for (;;) taken.push(openSync('/dev/null', 'r'));
  } catch {
    return taken;
  }
}

async function run(): Promise<WithoutFiles> {
  const host = new FakeHost();
  const state = mkdtempSync(join(tmpdir(), 'drover-out-of-files-'));
  try {
    host.start({ name: 'vm' });
    const ledger = await Ledger.open(state, { bootId: 'boot-1', now: () => 0 });
    const log = { info: () => undefined, warn: () => undefined };
    const base = { tuners, ports: host.ports, ledger, now: () => 0, planOnly: false, log };
    const reconciler = new Reconciler({ ...base, hostView: async () => host.view() });
    const original = host.snapshot();
    const settings: TunerSettings = { 'cpu-qos': { cpu_shares: 500 }, ksm: { run: 'on' } };
    await reconciler.apply(settings);
    const [entriesBefore, writes] = [ledger.size, host.writes];
    const taken = takeAll();
    const running = ledger
      .entries()
      .filter(({ knob }) => knob.domain && incarnationRuns(host.root, knob.domain)).length;
    const answers: string[] = [];
    for (const call of [
      () => reconciler.apply(settings),
      () => reconciler.apply({}),
      () => reconciler.revert(),
    ]) {
      const answer = await call().catch((thrown: unknown) => asDroverError(thrown).code);
      answers.push(
        typeof answer === 'string'
          ? answer
          : answer.map(({ outcome, reason }) => `${outcome} ${reason}`).join('; '),
      );
    }
    const without = { entriesBefore, entries: ledger.size, writes: host.writes - writes, running, answers };
    for (const file of taken) closeSync(file);
    await reconciler.revert();
    const isRestored = JSON.stringify(host.snapshot()) === JSON.stringify(original);
    const entriesAfter = ledger.size;
    await ledger.close();
    return { ...without, entriesAfter, isRestored };
  } finally {
    host.dispose();
    rmSync(state, { recursive: true });
  }
}

process.stdout.write(`${JSON.stringify(await run())}\n`);
