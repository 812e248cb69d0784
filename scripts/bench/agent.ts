/**
 * The agent on this machine's real libvirt: how long a domain is unenforced after its start, and what the agent itself
 * costs beside 50 idle domains. Needs root and a hypervisor.
 */
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { stringify } from 'yaml';
import { openLocalHost } from '../../agent/compose.js';
import { parseConfig } from '../../agent/config.js';
import { HostAgent } from '../../agent/host/host-agent.js';
import { diskBytesReader, loadAverage, memoryAvailableBytes } from '../../agent/host/vitals.js';
import { desiredDigest, encodeTuners, parseProfile } from '../../proto/wire/profile.js';
import { runner } from '../hypervisor/command.js';
import { domainType } from '../hypervisor/machine.js';
import {
  defineDomain,
  destroyDomain,
  domainXml,
  removeDomain,
  startDomain,
} from '../hypervisor/sample-domain.js';
import { writeGuestImage } from '../hypervisor/sample-guest.js';
import { print, quantile } from './figure.js';

const run = runner();
const images = '/var/lib/libvirt/images';

/** Domain settings only: a bench must not touch what is the whole machine's. */
const profile = parseProfile(`
name: bench
tuners:
  vcpu-pinning: {shared: 1-$}
  cpu-qos: {vcpu_period_us: 100000, vcpu_quota_us: 50000, cpu_shares: 512}
  block-qos: {write_bytes_sec: 10485760, read_iops_sec: 1000}
`);
const tuners = encodeTuners(profile.tuners);
const desired = {
  profileName: 'bench',
  profileRevision: 1,
  tuners,
  digest: desiredDigest('bench', 1, tuners),
};

async function defineIdle(name: string): Promise<void> {
  const imagePath = join(images, `${name}.img`);
  await writeGuestImage(imagePath, 'idle');
  await defineDomain(run, domainXml({ name, imagePath, type: domainType() }));
}

async function removeIdle(name: string): Promise<void> {
  await removeDomain(run, name);
  rmSync(join(images, `${name}.img`), { force: true });
}

/** Domain start seen → every setting written and read back, over `starts` real starts. */
export async function benchDomainStart(starts = 40): Promise<void> {
  const state = mkdtempSync(join(tmpdir(), 'drover-bench-'));
  const name = `drover-bench-${process.pid}`;
  const samples: number[] = [];
  let enforced: (() => void) | undefined;
  const log = {
    debug: () => undefined,
    warn: (fields: object, text: string) => void process.stderr.write(`${text} ${JSON.stringify(fields)}\n`),
    info: (fields: { ms?: number }, text: string) => {
      if (text !== 'domain enforced and verified') return;
      samples.push(fields.ms as number);
      enforced?.();
    },
  };
  const host = await openLocalHost(
    parseConfig(stringify({ state_directory: state }), 'bench'),
    { agentVersion: 'bench', isRoot: true },
    log,
  );
  const agent = new HostAgent({
    ...host,
    loadAverage: () => loadAverage(host.kernel),
    memoryAvailableBytes: () => memoryAvailableBytes(host.kernel),
    diskBytes: diskBytesReader(host.kernel),
    reconcileIntervalMs: 30_000,
    now: () => performance.now(),
    log,
  });
  try {
    await defineIdle(name);
    await agent.start();
    await agent.take(desired);
    for (let n = 0; n < starts; n++) {
      const seen = new Promise<void>((resolve) => (enforced = resolve));
      await startDomain(run, name);
      await Promise.race([seen, sleep(10_000, undefined, { ref: false })]);
      await destroyDomain(run, name);
    }
    if (samples.length < starts)
      throw new Error(`${starts - samples.length} of ${starts} starts were not enforced`);
    print({ name: 'agent.domain-start.enforced.p50', value: quantile(samples, 0.5), unit: 'ms' });
    print({ name: 'agent.domain-start.enforced.p99', value: quantile(samples, 0.99), unit: 'ms' });
  } finally {
    await agent.stop();
    await host.close();
    await removeIdle(name);
    rmSync(state, { recursive: true, force: true });
  }
}

/** Resident memory (p95) and CPU of a `drover-agent run` process beside `count` idle domains, over `seconds`. */
export async function benchAgentCost(agentProgram: string, count = 50, seconds = 40): Promise<void> {
  const state = mkdtempSync(join(tmpdir(), 'drover-bench-'));
  const names = Array.from({ length: count }, (_, index) => `drover-bench-${process.pid}-${index}`);
  const config = join(state, 'agent.yaml');
  writeFileSync(config, stringify({ state_directory: state, reconcile_interval_seconds: 30 }));
  writeFileSync(join(state, 'desired.json'), JSON.stringify(desired));
  const child = spawn(
    process.execPath,
    ['--max-semi-space-size=1', agentProgram, 'run', '--config', config],
    {
      stdio: ['ignore', 'ignore', 'inherit'],
    },
  );
  try {
    for (const name of names) {
      await defineIdle(name);
      await startDomain(run, name);
    }
    await sleep(3_000); // the starts are enforced and the heap has settled
    const pid = child.pid as number;
    const cpuBefore = cpuMs(pid);
    const began = performance.now();
    const memory: number[] = [];
    for (let n = 0; n < seconds * 2; n++) {
      await sleep(500);
      memory.push(residentMiB(pid));
    }
    print({ name: `agent.memory.${count}-domains.p95`, value: quantile(memory, 0.95), unit: 'MiB' });
    print({
      name: `agent.cpu.${count}-domains`,
      value: ((cpuMs(pid) - cpuBefore) / (performance.now() - began)) * 100,
      unit: '% of a core',
    });
  } finally {
    child.kill('SIGTERM');
    for (const name of names) await removeIdle(name);
    rmSync(state, { recursive: true, force: true });
  }
}

function residentMiB(pid: number): number {
  return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1024;
}

/** User and system time of a process: fields 14 and 15 of /proc/PID/stat, in ticks of 10 ms. */
function cpuMs(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1)?.split(' ') ?? [];
  return (Number(fields[11]) + Number(fields[12])) * 10;
}
