/**
 * Brings up what a KVM host needs: libvirtd, virtlogd, ovsdb-server and ovs-vswitchd, with systemd or without it.
 * What runs already is left alone, also on `stop`.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { type Run, runner } from './command.js';
import { type Daemon, type RunningHypervisor, daemons } from './daemons.js';
import { allowKvm, systemdRuns } from './machine.js';
import { endProcesses, namespaceOf, processesIn } from './processes.js';
import { startUnits } from './units.js';

export type { RunningHypervisor } from './daemons.js';

export interface HypervisorOptions {
  /** How programs are started; a prefix of nsenter puts the daemons into another host's namespaces. */
  readonly run?: Run;
  /** Mount namespace in which a daemon counts as running, as /proc/PID/ns/mnt names it. Default: this process's. */
  readonly mountNamespace?: string;
  /** How long one daemon may take until it answers. Default 20 s. */
  readonly deadlineMs?: number;
  /** Default: true where systemd is PID 1. */
  readonly systemd?: boolean;
}

/**
 * Starts the daemons that do not run and answers when all of them answer. Errors: a plain `Error` that names the daemon
 * that does not answer within the deadline; what was started before is stopped again.
 */
export async function startHypervisor(options: HypervisorOptions = {}): Promise<RunningHypervisor> {
  const { run = runner(), deadlineMs = 20_000, systemd = systemdRuns() } = options;
  if (systemd) return startUnits(run, deadlineMs);
  const place = options.mountNamespace ?? namespaceOf('self', 'mnt') ?? '';
  const started: { name: string; pids: number[] }[] = [];
  const stop = async () => {
    for (const { pids } of started.splice(0).reverse()) await endProcesses(pids, 5_000);
  };
  try {
    await allowKvm(run);
    for (const daemon of daemons) {
      if (await alreadyAnswers(daemon, run, place, deadlineMs)) continue;
      await daemon.start(run);
      const late = await untilAnswers(daemon, run, deadlineMs).catch((cause: unknown) => ({ cause }));
      started.push({ name: daemon.name, pids: processesIn('mnt', place, daemon.name) });
      if (late) throw late.cause;
    }
  } catch (cause) {
    await stop();
    throw cause;
  }
  return { started: started.map(({ name }) => name), stop };
}

/** A daemon whose process is there but silent gets the deadline: it may be starting, or be stopped for a moment. */
async function alreadyAnswers(daemon: Daemon, run: Run, place: string, deadlineMs: number): Promise<boolean> {
  if (processesIn('mnt', place, daemon.name).length === 0) return false;
  await untilAnswers(daemon, run, deadlineMs);
  return true;
}

async function untilAnswers(daemon: Daemon, run: Run, deadlineMs: number): Promise<void> {
  const end = performance.now() + deadlineMs;
  while (!(await daemon.answers(run))) {
    if (performance.now() > end)
      throw new Error(`${daemon.name} runs but does not answer within ${deadlineMs} ms`);
    await sleep(50);
  }
}
