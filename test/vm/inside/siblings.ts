/** The facts of a host whose cores have two threads, beside what the kernel says. */
import type { Checks } from './checks.js';
import { text } from './kernel-files.js';
import type { LocalHost } from './local-host.js';

/** Cores and cells; the kernel of the machine must have them first, or nothing below means anything. */
export async function checkSiblings(checks: Checks, host: LocalHost): Promise<void> {
  const lists = [0, 1, 2, 3, 4, 5, 6, 7].map((cpu) =>
    text(`/sys/devices/system/cpu/cpu${cpu}/topology/thread_siblings_list`),
  );
  const cores = [...new Set(lists)];
  checks.equal('the machine has siblings', cores, ['0-1', '2-3', '4-5', '6-7']);
  const { cpu, numaCells } = await host.facts();
  checks.equal(
    'facts: cores',
    cpu?.coreList.map(({ cpus }) => cpus),
    cores,
  );
  checks.equal('facts: threads of a core', [cpu?.threadsPerCoreMin, cpu?.threadsPerCoreMax], [2, 2]);
  checks.equal(
    'facts: cells',
    numaCells.map(({ id, cpus }) => `${id}: ${cpus}`),
    ['0: 0-3', '1: 4-7'],
  );
}
