/** Puts the room of the guests together for one real host; loaded when a profile first says something of guests. */
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { GuestSettings } from '../proto/wire/guest-settings.js';
import type { LocalHost } from './compose.js';
import type { AgentConfig } from './config.js';
import { Auditor } from './guests/audit/auditor.js';
import { lookAround } from './guests/audit/look.js';
import { Quarantine } from './guests/audit/quarantine.js';
import { quarantineFile } from './host/quarantine-file.js';
import { GuestKeeper } from './guests/keeper.js';
import { SessionPermits } from './guests/permits.js';
import { PortKeeper } from './guests/ports/keeper.js';
import { clearPorts } from './guests/ports/sweep.js';
import { lookForPreflight, preflight } from './guests/preflight/preflight.js';
import { GuestStages } from './guests/stages.js';
import type { RunStartOptions, StartPermits } from './guests/start/run.js';
import { ShouldRun } from './guests/start/should-run.js';
import { StartSpool } from './guests/start/spool.js';
import { outlookOf } from './guests/stop/outlook.js';
import { planStop, type StopPlan } from './guests/stop/plan.js';
import { activeGuests } from './guests/stop/stop-guest.js';
import { guestBasics, monotonicMs, stagesOf, type GuestBasics } from './host/guest-basics.js';
import type { GuestLink, OpenGuests } from './host/guest-room.js';
import { Pacing } from './host/pacing.js';
import { startReadings } from './host/start-readings.js';
import { watchFiles } from './host/watch-files.js';
import type { Log } from './log.js';
import { ovsDatabase } from './openvswitch/database.js';
import { isGoingDown } from './systemd/going-down.js';
import { inhibitor } from './systemd/inhibitor.js';
import { guardShutdown } from './systemd/shutdown-guard.js';
import { watchShutdown } from './systemd/shutdown-signal.js';

export interface GuestsOptions {
  readonly host: LocalHost;
  readonly config: AgentConfig;
  readonly link: GuestLink;
  readonly log: Log;
}

/** How old the list of domains may be for a plan that nobody carries out. */
const planAgeMs = 2_000;

/** Where libvirt's hook leaves requests; systemd/libvirt-hook-qemu names the same. */
const spoolDirectory = '/run/drover/starts';

/** What a command or the agent needs of this host to stop and start its guests. Errors: those of `guestBasics`. */
export function basicsOf(
  { hypervisor, kernel, bootId }: LocalHost,
  config: AgentConfig,
  log: Log,
): GuestBasics {
  const stateDirectory = config.state_directory;
  const readings = startReadings(kernel, hypervisor, config.image_directory);
  const clear = async (): Promise<string> => {
    const wait = (ms: number): Promise<void> => sleep(ms);
    const { removed, kept } = await clearPorts({
      openvswitch: ovsDatabase(),
      kernel,
      monotonicMs,
      sleep: wait,
    });
    log.info({ removed, kept }, 'ports looked at after the guests');
    return `${removed.length} ports cleared, ${kept.length} left`;
  };
  return guestBasics({ hypervisor, kernel, bootId, stateDirectory, readings, clearPorts: clear }, log);
}

/** The room of a running agent. Errors: those of `guestBasics`, `storage-failed`. */
export async function openGuests(options: GuestsOptions): Promise<OpenGuests> {
  const { host, config, link, log } = options;
  const settings = (): GuestSettings | undefined => link.settings();
  const basics = basicsOf(host, config, log);
  const { hypervisor, files, queue, clock } = basics;
  const permits = new SessionPermits({
    isConnected: () => link.isConnected(),
    say: (request) => link.requestStarts(request),
  });
  const shouldRun = await ShouldRun.load({
    file: join(config.state_directory, 'should-run.json'),
    ...{ bootId: host.bootId, log },
  });
  const whereLimited: StartPermits = {
    acquire: async (uuid, signal) =>
      settings()?.start.fleet_limits ? permits.acquire(uuid, signal) : 'granted',
    release: (uuid) => permits.release(uuid),
  };
  const uptimeSeconds = (): number => Number.parseInt(host.kernel.read('/proc/uptime') ?? '0', 10);
  const pacing = new Pacing(
    () => new StartSpool({ directory: spoolDirectory, queue, permits: whereLimited, uptimeSeconds, log }),
    log,
  );
  const startParts = (now: GuestSettings): Pick<RunStartOptions, 'queue' | 'permits' | 'own'> => {
    basics.limit(now);
    return { queue, own: pacing, ...(now.start.fleet_limits && { permits }) };
  };
  const keeper = new GuestKeeper({
    ...{ hypervisor, files, clock, shouldRun, log, now: Date.now },
    settings: () => {
      const now = settings();
      if (now) basics.limit(now); // starts of others are paced by it too
      pacing.follow(now);
      return now;
    },
    makeStages: (changed) =>
      new GuestStages({
        ...stagesOf(basics, log),
        ...{ settings, startParts, changed },
        hold: (uuids) => shouldRun.hold(uuids),
        isWanted: (uuid) => shouldRun.has(uuid),
      }),
    looks: {
      ports: portKeeper(host, basics, settings, log),
      audit: await auditor(options, basics),
      preflight: (now) => preflightOf(host, basics, now),
      plan: async (now) => outlookOf(await stopPlan(basics, now)),
    },
    guard: ({ goDown, stayUp }) =>
      guardShutdown({
        takeLock: inhibitor({ who: 'Drover', why: 'guests are stopped in order first' }),
        watch: watchShutdown,
        ...{ goDown, stayUp, log },
      }),
    stageOwner: () => basics.owner(),
    followFiles: watchFiles,
    goesDown: async () => (await isGoingDown()).goesDown,
    say: (report) => link.report(report),
  });
  return {
    keeper,
    granted: (grant) => permits.granted(grant),
    askAgain: () => permits.again(),
    close: async () => {
      await pacing.end();
      queue.stop();
    },
  };
}

/** How the host is set up for a stop of its guests as they are now. */
export async function preflightOf(host: LocalHost, basics: GuestBasics, settings: GuestSettings) {
  const { totalMs, budgetMs, waves } = await stopPlan(basics, settings);
  const guests = waves.flatMap((wave) => wave.guests);
  return preflight(await lookForPreflight(host.kernel), {
    ...{ needMs: totalMs, budgetMs, overBudget: settings.stop.over_budget },
    leftRunning: guests.filter(({ guest }) => guest.policy.then === 'leave').length,
    resumes: settings.start.resume_guests_state_on_host_boot,
  });
}

/** What a stop of all guests would do now. */
export async function stopPlan({ hypervisor }: GuestBasics, settings: GuestSettings): Promise<StopPlan> {
  const guests = activeGuests(await hypervisor.domains(planAgeMs), settings);
  return planStop(guests, settings.stop, settings.stop.budget_seconds * 1000);
}

function portKeeper(
  { kernel }: LocalHost,
  { hypervisor, power }: GuestBasics,
  settings: () => GuestSettings | undefined,
  log: Log,
): PortKeeper {
  return new PortKeeper({
    ...{ kernel, openvswitch: ovsDatabase(), now: Date.now, monotonicMs, log },
    domains: () => hypervisor.domains(),
    isMigrating: (domain) => power.isMigrating(domain),
    mode: () => settings()?.ports ?? 'off',
    restoreBandwidth: async (domain, { mac, bandwidth }) => {
      const { inbound = null, outbound = null } = bandwidth;
      if (inbound ?? outbound) await hypervisor.setInterfaceBandwidth(domain, mac, { inbound, outbound });
    },
  });
}

async function auditor({ host, config, link, log }: GuestsOptions, { hypervisor, power }: GuestBasics) {
  const { kernel, allocations, facts } = host;
  const { bootId } = host;
  const quarantine = await Quarantine.load({ file: quarantineFile(config.state_directory), bootId, log });
  const cgroup = async () => (await facts()).cgroup;
  return new Auditor({
    look: () => lookAround({ kernel, hypervisor, openvswitch: ovsDatabase(), cgroup }),
    promised: {
      get isTold() {
        return link.isTold();
      },
      get generation() {
        return allocations.generation;
      },
      covers: (domain) => allocations.of(domain) !== undefined,
      allocations: () => allocations.list,
    },
    ...{ power, quarantine, log, now: Date.now, monotonicMs },
  });
}
