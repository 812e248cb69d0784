/** What all CPUs of this machine did, and what a hypervisor below gave to others: proc(5), /proc/stat. */
import { readFileSync } from 'node:fs';

export interface CpuTicks {
  /** user, nice, system, irq and softirq. */
  readonly ran: number;
  /** Wanted here and given to others. */
  readonly stolen: number;
}

/** Ticks of USER_HZ since boot, of all CPUs together. */
export function cpuTicks(): CpuTicks {
  const line = readFileSync('/proc/stat', 'utf8').split('\n', 1)[0] ?? '';
  const fields = line
    .replace(/^cpu +/, '')
    .split(' ')
    .map(Number);
  const [user = 0, nice = 0, system = 0, , , irq = 0, softirq = 0, stolen = 0] = fields;
  return { ran: user + nice + system + irq + softirq, stolen };
}

/** Begins now; the answer tells the share (0 to 1) of the wanted CPU time that this machine was given since. */
export function givenShare(): () => number {
  const before = cpuTicks();
  return () => {
    const now = cpuTicks();
    const [ran, stolen] = [now.ran - before.ran, now.stolen - before.stolen];
    return ran + stolen === 0 ? 1 : ran / (ran + stolen);
  };
}
