/** irq-affinity: which interrupts leave the dedicated CPUs, and which say that they cannot. */
import { readdirSync } from 'node:fs';
import type { TunerSettings } from '../../../proto/wire/tuner-settings.js';
import type { Checks } from './checks.js';
import { text } from './kernel-files.js';
import { inWords, open, type LocalHost } from './local-host.js';

const settings: TunerSettings = {
  'vcpu-pinning': { reserved: '0', shared: '1', dedicated: '2-7', cross_cell_limit_mb: 4_096 },
  'irq-affinity': { keep_off: 'dedicated' },
};

export async function checkInterrupts(checks: Checks, host: LocalHost): Promise<void> {
  const before = lists();
  const entries = (await host.enforce(settings)).filter(({ knob }) => knob.tuner === 'irq-affinity');
  const failed = entries.filter(({ outcome }) => outcome === 'failed' || outcome === 'change');
  checks.equal('interrupts: none failed', failed.map(inWords), []);
  const fixed = entries.filter(({ outcome }) => outcome === 'unsupported');
  checks.ok(
    'interrupts: one cannot move and says why',
    fixed.some(({ reason }) => /managed/.test(reason)),
  );
  const numbers = new Set(fixed.map(({ knob }) => /^irq (\d+)/.exec(knob.setting)?.[1]));
  const after = lists();
  const astray = Object.entries(after).filter(([irq, list]) => !numbers.has(irq) && /[2-7]/.test(list));
  checks.equal('interrupts: the others keep off CPUs 2-7', astray, []);
  const moved = Object.keys(before).filter((irq) => before[irq] !== after[irq]);
  checks.ok(
    'interrupts: virtio ones moved',
    moved.some((irq) => virtioActions().has(irq)),
    moved.join(', '),
  );
  checks.equal(
    'interrupts: new ones too',
    text('/proc/irq/default_smp_affinity').replaceAll(/^0+/g, ''),
    '3',
  );
  checks.say(
    `     ${moved.length} moved, ${fixed.length} cannot: ${fixed[0]?.knob.setting}: ${fixed[0]?.reason}`,
  );
  for (const { knob, evidence } of entries.filter(({ knob }) => /virtio/.test(knob.setting)).slice(0, 3))
    checks.say(`     ${knob.setting}: ${evidence}`);
  checks.equal('interrupts: undone without failures', await host.revert(), []);
  checks.equal('interrupts: every list is as it was', lists(), before);
  checks.equal('interrupts: nothing else was touched', open(await host.plan({})), []);
}

/** Number to the CPUs that may serve it; without those that no driver has asked for. */
function lists(): Record<string, string> {
  const numbers = readdirSync('/sys/kernel/irq').filter(
    (irq) => text(`/sys/kernel/irq/${irq}/actions`) !== '',
  );
  return Object.fromEntries(numbers.map((irq) => [irq, text(`/proc/irq/${irq}/smp_affinity_list`)]));
}

/** Numbers of the interrupts of virtio devices, from /proc/interrupts. */
function virtioActions(): Set<string> {
  const lines = text('/proc/interrupts').split('\n');
  return new Set(
    lines.filter((line) => /virtio/.test(line)).map((line) => line.trim().split(':')[0] as string),
  );
}
