/** block-qos and block-weight on cgroup v2: what the guest's disk really takes under each limit, by the kernel's counters. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TunerSettings } from '../../../proto/wire/tuner-settings.js';
import type { Checks } from './checks.js';
import { run, virsh, writeRate, written } from './guests.js';
import { cgroup, counter, text, type Place } from './kernel-files.js';
import { entryOf, inWords, type LocalHost } from './local-host.js';

/** The guest's own request, in bytes. */
const requestBytes = 32_768;
const highestLimit = 262_144;

/** A guest that gets no CPU writes less; one measurement out of these must reach the limit, and none may pass it. */
const measurements = 3;

/** A third of what the guest can do now, as an emulated guest on busy cores writes a tenth of what it does on idle ones. */
function limitFor(free: number): number {
  return Math.min(highestLimit, Math.max(4, Math.floor(free / 3 / 4_096)) * 4_096);
}

/** Long enough for 36 requests: one more or less is less than a tenth. */
const measureMs = (limit: number): number => Math.max(8_000, (36_000 * requestBytes) / limit);

/** What the kernel and QEMU hold a guest to, in bytes a second. */
export async function checkDisk(checks: Checks, host: LocalHost, name: string, place: Place): Promise<void> {
  const free = await writeRate(place, 8_000);
  const limit = limitFor(free);
  checks.say(`     free: ${free} B/s; limit: ${limit} B/s`);
  for (const via of ['cgroup', 'qemu'] as const) {
    const entries = await host.enforce({ 'block-qos': { write_bytes_sec: limit, via } });
    const faulty = entries.filter(({ outcome }) => outcome !== 'in-sync');
    checks.equal(`disk, by ${via}: in sync`, faulty.map(inWords), []);
    await checkRate(checks, via, place, limit);
    const line = text(join(place.scope, 'libvirt/io.max'));
    checks.equal(
      `disk, by ${via}: io.max`,
      line,
      via === 'cgroup' ? `${place.disk} rbps=max wbps=${limit} riops=max wiops=max` : '',
    );
    const throttle = await virsh('blkdeviotune', name, 'vda');
    const held = Number(/^write_bytes_sec\s*:\s*(\d+)/m.exec(throttle)?.[1]);
    checks.equal(`disk, by ${via}: QEMU's throttle`, held, via === 'qemu' ? limit : 0);
    const evidence = entries.find(({ evidence: each }) => each !== undefined)?.evidence;
    checks.say(`     ${evidence}`);
  }
  checks.equal('disk: undone without failures', await host.revert(), []);
  checks.equal('disk: no limit is left', text(join(place.scope, 'libvirt/io.max')), '');
}

/** Within a tenth of the limit, both ways. */
async function checkRate(checks: Checks, via: string, place: Place, limit: number): Promise<void> {
  const stat = join(place.scope, 'libvirt/io.stat');
  const [bytes, requests] = [written(place), counter(stat, 'wios', place.disk)];
  const rates: number[] = [];
  while (rates.length < measurements && Math.max(...rates, 0) < 0.9 * limit)
    rates.push(await writeRate(place, measureMs(limit)));
  const highest = Math.max(...rates);
  const holds = highest >= 0.9 * limit && highest <= 1.1 * limit;
  checks.ok(`disk, by ${via}: within 10 % of ${limit} B/s`, holds, `${rates.join(', ')} B/s`);
  const moved = [written(place) - bytes, counter(stat, 'wios', place.disk) - requests];
  checks.ok(
    `disk, by ${via}: io.stat counts bytes and requests`,
    moved.every((by) => by > 0),
  );
  checks.say(`     by ${via}: ${rates.join(', ')} B/s, ${moved[1]} requests`);
}

/** Weights work under bfq, or iocost, and under nothing else: the tuner must say so. */
export async function checkWeight(checks: Checks, host: LocalHost, { scope, disk }: Place): Promise<void> {
  await run(['modprobe', 'bfq'], { timeoutMs: 60_000 });
  const wish: TunerSettings = { 'block-weight': { weight: 500 } };
  const scheduler = (word: string): TunerSettings => ({
    'block-queue': { devices: { vda: { scheduler: word } } },
  });
  const weightOf = (): string[] => ['io.weight', 'io.bfq.weight'].map((name) => text(join(scope, name)));
  const before = weightOf();
  const outcome = async (settings: TunerSettings): Promise<string> => {
    const entry = entryOf(await host.enforce({ ...wish, ...settings }), 'weight');
    checks.say(
      `     weight: ${entry && inWords(entry)} ${entry?.evidence ?? ''}; files ${weightOf().join(', ')}`,
    );
    return `${entry?.outcome} ${entry?.evidence ?? entry?.reason.split(': ').at(-1)}`;
  };
  const useless = 'unsupported weights need bfq or iocost';
  checks.equal('weight under mq-deadline: useless', await outcome(scheduler('mq-deadline')), useless);
  checks.equal('weight under bfq', await outcome(scheduler('bfq')), 'in-sync bfq on vda');
  checks.ok(
    'weight: the kernel has it',
    weightOf().some((line) => /\b500\b/.test(line)),
    weightOf().join(', '),
  );
  writeFileSync(join(cgroup, 'io.cost.qos'), `${disk} enable=1`);
  try {
    checks.equal('weight under iocost', await outcome(scheduler('none')), 'in-sync iocost on vda');
  } finally {
    writeFileSync(join(cgroup, 'io.cost.qos'), `${disk} enable=0`);
  }
  checks.equal('weight: undone without failures', await host.revert(), []);
  checks.equal('weight: as before', weightOf(), before);
}
