/** A control plane that is started over a store with a whole fleet: how long that takes, and what memory it has then. */
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { openLmdbStore } from '../../controlplane/store/lmdb.js';
import type { StoredRecord } from '../../controlplane/store/store.js';
import type { Figure } from './figure.js';
import type { Restarted } from './restart-child.js';
import { allocationRecords, hostRecords } from './stored-fleet.js';

/** As many writes as one commit takes. */
const together = 10_000;

/** Resident memory 3 s after a start from LMDB, the most that it was until then, and the time to the first answer. */
export async function benchRestart(hosts: number, domains: number): Promise<Figure[]> {
  const folder = mkdtempSync(join(tmpdir(), 'drover-bench-'));
  try {
    await fill(join(folder, 'store'), hosts, domains);
    const program = fileURLToPath(new URL('restart-child.js', import.meta.url));
    const { stdout } = await promisify(execFile)(process.execPath, [...(await flags()), program, folder]);
    const seen = JSON.parse(stdout) as Restarted;
    if (seen.allocations !== domains)
      throw new Error(`${seen.allocations} of ${domains} allocations are back`);
    const name = `controlplane.restart.${hosts}-hosts.${domains}-domains`;
    return [
      { name: `${name}.memory`, value: seen.residentBytes / 1e6, unit: 'MB' },
      { name: `${name}.memory-peak`, value: seen.peakBytes / 1e6, unit: 'MB' },
      { name: `${name}.ready`, value: seen.readyMs, unit: 'ms' },
    ];
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Those of the first line of the control plane's program, thus those that it has everywhere. */
async function flags(): Promise<string[]> {
  const program = await readFile(new URL('../../controlplane/bin.js', import.meta.url), 'utf8');
  return (
    program
      .split('\n', 1)[0]
      ?.match(/ --\S+/g)
      ?.map((flag) => flag.trim()) ?? []
  );
}

async function fill(folder: string, hosts: number, domains: number): Promise<void> {
  const store = await openLmdbStore(folder);
  let [revision, batch] = [0, [] as StoredRecord[]];
  const flush = async (): Promise<void> => {
    revision = await store.commit(batch, revision);
    batch = [];
  };
  for (const records of [hostRecords(hosts), allocationRecords(hosts, domains)]) {
    for (const record of records) if (batch.push(record) === together) await flush();
  }
  await flush();
  await store.close();
}
