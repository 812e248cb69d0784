/** Elapsed time without what a machine below this one took away: a bound of milliseconds holds for the time there was. */
import { readFileSync } from 'node:fs';

/**
 * Begins now; the answer tells, each time it is called, the milliseconds since, less the share of the wanted CPU time that
 * the hypervisor below gave to others: `steal` of /proc/stat, proc(5). On a machine of one's own it is the elapsed time; it
 * is never less than a quarter of that.
 */
export function givenTime(): () => number {
  const [begunMs, before] = [performance.now(), cpuTicks()];
  return () => {
    const now = cpuTicks();
    const [ran, stolen] = [now.ran - before.ran, now.stolen - before.stolen];
    const given = ran + stolen === 0 ? 1 : ran / (ran + stolen);
    return Math.round((performance.now() - begunMs) * Math.max(given, 0.25));
  };
}

/** Ticks of all CPUs since boot: used here (user, nice, system, irq, softirq), and wanted but given to others. */
function cpuTicks(): { readonly ran: number; readonly stolen: number } {
  const line = readFileSync('/proc/stat', 'utf8').split('\n', 1)[0] ?? '';
  const [user = 0, nice = 0, system = 0, , , irq = 0, softirq = 0, stolen = 0] = line
    .replace(/^cpu +/, '')
    .split(' ')
    .map(Number);
  return { ran: user + nice + system + irq + softirq, stolen };
}
