/** The same daemons where systemd runs them. */
import { setTimeout as sleep } from 'node:timers/promises';
import { type Run, succeeds } from './command.js';
import { type RunningHypervisor, libvirtd, ovsVswitchd } from './daemons.js';

interface UnitGroup {
  /** The unit that is started. */
  readonly start: string;
  /** Every unit that must be named to stop it: a socket left behind would start the service again. */
  readonly stop: readonly string[];
  readonly answers: (run: Run) => Promise<boolean>;
}

/** In the order of their start. Debian's openvswitch-switch pulls in the other two, but does not wait for their end. */
const groups: readonly UnitGroup[] = [
  {
    start: 'openvswitch-switch.service',
    stop: ['openvswitch-switch.service', 'ovs-vswitchd.service', 'ovsdb-server.service'],
    answers: ovsVswitchd.answers,
  },
  {
    start: 'libvirtd.service',
    stop: ['libvirtd.socket', 'libvirtd-ro.socket', 'libvirtd-admin.socket', 'libvirtd.service'],
    answers: libvirtd.answers,
  },
];

/** Starts the units that are not active and answers when they answer. libvirtd pulls in virtlogd by its socket. */
export async function startUnits(run: Run, deadlineMs: number): Promise<RunningHypervisor> {
  const started: UnitGroup[] = [];
  const stop = async () => {
    for (const group of started.splice(0).reverse())
      await run(['systemctl', 'stop', ...group.stop], { timeoutMs: 60_000 });
  };
  try {
    for (const group of groups) {
      if (!(await isActive(run, group))) {
        started.push(group);
        await run(['systemctl', 'start', group.start], { timeoutMs: deadlineMs });
      }
      await untilUnitAnswers(run, group, deadlineMs);
    }
  } catch (cause) {
    await stop();
    throw cause;
  }
  return { started: started.map((group) => group.start), stop };
}

/** libvirtd exits when idle while its socket listens: an active socket counts as running. */
async function isActive(run: Run, group: UnitGroup): Promise<boolean> {
  for (const unit of [group.start, group.stop[0] as string])
    if (await succeeds(run, ['systemctl', 'is-active', '--quiet', unit])) return true;
  return false;
}

async function untilUnitAnswers(run: Run, group: UnitGroup, deadlineMs: number): Promise<void> {
  const end = performance.now() + deadlineMs;
  while (!(await group.answers(run))) {
    if (performance.now() > end)
      throw new Error(`${group.start} is active but does not answer within ${deadlineMs} ms`);
    await sleep(100);
  }
}
