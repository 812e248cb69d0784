/** A systemd host with Drover as it is packaged, and a profile in force that a control plane gave it earlier. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Test } from 'tap';
import { DesiredFile } from '../../agent/reconcile/desired.js';
import type { GuestSettings } from '../../proto/wire/guest-settings.js';
import { checkProfile, desiredDigest, encodeGuests } from '../../proto/wire/profile.js';
import { programLayer } from '../../scripts/systemd-host/rootfs.js';
import { bench, type Bench } from './systemd-host.js';
import { until } from './poll.js';

/** The section `guests` of a profile as an operator writes it. */
export type GuestsSection = {
  readonly [Part in keyof GuestSettings]?: Partial<GuestSettings[Part]> | string;
};

export const stateDirectory = '/var/lib/drover/agent';
/** Where the agent writes down which guests run. */
export const shouldRun = `${stateDirectory}/should-run.json`;
const installer = fileURLToPath(new URL('../../../scripts/setup/install-units.sh', import.meta.url));

export interface DroverBenchOptions {
  /** False: libvirt-guests stays as it is. */
  readonly handsOver?: boolean;
  /** Changes to the host's root before. */
  prepare?(root: string): void;
}

/** A host whose guests are Drover's, on and with its agent ready. */
export async function droverBench(
  t: Test,
  label: string,
  guests: GuestsSection,
  { handsOver = true, prepare: more }: DroverBenchOptions = {},
): Promise<Bench> {
  const layers = [await programLayer()];
  const prepare = async (root: string): Promise<void> => {
    more?.(root);
    await installDrover(root, guests, handsOver);
  };
  const made = await bench(t, label, { layers, prepare });
  await untilAgent(made);
  return made;
}

/** As an operator installs it on a host, without a control plane: the desired state on disk is what one would have sent. */
export async function installDrover(root: string, guests: GuestsSection, handsOver = true): Promise<void> {
  execFileSync(installer, ['--root', root, ...(handsOver ? ['--hand-over'] : [])], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  mkdirSync(join(root, 'etc/drover'), { recursive: true });
  writeFileSync(join(root, 'etc/drover/agent.yaml'), 'host_name: drover-host\n');
  await writeDesired(join(root, stateDirectory), guests);
}

/** Puts a profile with this section in force below a state directory. */
export async function writeDesired(directory: string, guests: GuestsSection): Promise<void> {
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const section = encodeGuests(checkProfile({ name: 'guests', tuners: {}, guests }).guests);
  const how = { trialSeconds: 0, onFailure: 'revert', guests: section } as const;
  const digest = desiredDigest('guests', 1, {}, how);
  const file = await DesiredFile.load(join(directory, 'desired.json'));
  await file.save({ profileName: 'guests', profileRevision: 1, tuners: {}, digest, ...how });
}

/** Answers when the agent is active. */
export async function untilAgent({ host }: Pick<Bench, 'host'>): Promise<void> {
  const active = async (): Promise<boolean> =>
    (await host.exec(['systemctl', 'is-active', 'drover-agent.service'])).code === 0;
  await until(active, 30_000, 'the agent is not active');
}

/** Answers when the agent has written down that these guests run, so that it starts them after a crash. */
export async function untilNoted({ host }: Pick<Bench, 'host'>, uuids: readonly string[]): Promise<void> {
  const noted = async (uuid: string): Promise<boolean> =>
    (await host.exec(['grep', '-qF', uuid, shouldRun])).code === 0;
  const all = async (): Promise<boolean> => (await Promise.all(uuids.map(noted))).every(Boolean);
  await until(all, 30_000, 'the agent has not noted the running guests');
}
