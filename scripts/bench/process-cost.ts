/** What a process costs, as the kernel counts it (proc(5)). */
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

export interface Memory {
  /** Every page that is mapped: VmRSS. */
  readonly residentMiB: number;
  /** The same, with each shared page divided among those that map it. */
  readonly proportionalMiB: number;
  /** Pages that no file holds: what the host has less of because of this process. */
  readonly anonymousMiB: number;
}

export interface Cost {
  readonly memory: readonly Memory[];
  /** User and system time over wall time, of all threads. */
  readonly cpuPercent: number;
}

/** Looks at a process twice a second for `seconds`. Errors: those of files that are gone with it. */
export async function costOf(pid: number, seconds: number): Promise<Cost> {
  const memory: Memory[] = [];
  const cpuBefore = cpuMs(pid);
  const began = performance.now();
  for (let n = 0; n < seconds * 2; n++) {
    await sleep(500);
    memory.push(memoryOf(pid));
  }
  return { memory, cpuPercent: ((cpuMs(pid) - cpuBefore) / (performance.now() - began)) * 100 };
}

function memoryOf(pid: number): Memory {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  const rollup = readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8');
  return {
    residentMiB: mib(status, 'VmRSS'),
    proportionalMiB: mib(rollup, 'Pss'),
    anonymousMiB: mib(rollup, 'Anonymous'),
  };
}

function mib(text: string, field: string): number {
  return Number(new RegExp(`^${field}:\\s+(\\d+) kB`, 'm').exec(text)?.[1]) / 1024;
}

/** Fields 14 and 15 of /proc/PID/stat, in ticks of 10 ms; the name before them may hold anything but is in parentheses. */
function cpuMs(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1)?.split(' ') ?? [];
  return (Number(fields[11]) + Number(fields[12])) * 10;
}
