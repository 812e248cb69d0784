/** numa-memory: pages follow the vCPUs to the other cell, the reading says how many, and undo lifts the bounds. */
import type { TunerSettings } from '../../../proto/wire/tuner-settings.js';
import type { Checks } from './checks.js';
import { groupFiles, placeOf } from './kernel-files.js';
import { entryOf, inWords, type LocalHost } from './local-host.js';
import { pair } from './pinning.js';
import { masksOf, pagesByCell, pidOf } from './threads.js';

/** CPUs of each cell, as the shared set. */
const cpusOfCell = ['0-3', '4-7'];

/** To the one, to the other and back, so that pages move wherever they were. */
export async function checkMemory(checks: Checks, host: LocalHost): Promise<void> {
  const place = placeOf(pair, 'vda');
  const cells = (): Record<string, string> => groupFiles(place.scope, ['cpuset.mems.effective']);
  const before = { cells: cells(), masks: masksOf(pair) };
  for (const cell of [0, 1, 0]) {
    const begin = performance.now();
    const entries = await host.enforce(settingsFor(cell));
    const pages = pagesByCell(pidOf(pair));
    const share = (pages[cell] as number) / ((pages[0] as number) + (pages[1] as number));
    checks.ok(
      `memory: at least 90 % of the pages on cell ${cell}`,
      share >= 0.9,
      `cells have ${pages.join(', ')}`,
    );
    const entry = entryOf(entries, 'memory cells', pair);
    const [, here = '0', of = '0'] = /^(\d+) of (\d+) \S+ on cell/.exec(entry?.evidence ?? '') ?? [];
    checks.ok(
      'memory: the evidence says so',
      Number(here) >= 0.9 * Number(of) && Number(of) > 0,
      entry && inWords(entry),
    );
    checks.say(
      `     pages on cells ${pages.join(', ')}; ${entry?.evidence}; ${((performance.now() - begin) / 1000).toFixed(1)} s`,
    );
  }
  checks.equal('memory: undone without failures', await host.revert(), []);
  checks.equal('memory: cells and masks are as they were', { cells: cells(), masks: masksOf(pair) }, before);
}

function settingsFor(cell: number): TunerSettings {
  return {
    'vcpu-pinning': { shared: cpusOfCell[cell], cross_cell_limit_mb: 4_096 },
    'numa-memory': { follow: 'cpus' },
  };
}
