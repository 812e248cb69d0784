/** A message bus of a test's own, and systemd's real logind on it, away from the machine's /run. */
import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { callBus } from '../../agent/systemd/bus.js';
import { until } from './poll.js';

const policy = `<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN" "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig><listen>unix:path=SOCKET</listen><auth>EXTERNAL</auth>
<policy context="default"><allow own="*"/><allow send_destination="*"/><allow eavesdrop="false" receive_sender="*"/></policy></busconfig>`;

/** Starts dbus-daemon on a socket below `directory`; the same socket again when it is called again. */
export async function startBus(directory: string): Promise<{ address: string; process: ChildProcess }> {
  const socket = join(directory, 'bus');
  rmSync(socket, { force: true });
  writeFileSync(join(directory, 'bus.conf'), policy.replace('SOCKET', socket));
  const process = spawn(
    'dbus-daemon',
    ['--nofork', '--nopidfile', `--config-file=${join(directory, 'bus.conf')}`],
    { stdio: 'ignore' },
  );
  await until(() => existsSync(socket), 5_000, 'the bus did not start');
  return { address: `unix:path=${socket}`, process };
}

const logindProgram = '/lib/systemd/systemd-logind';

/** Why it cannot run here, in words; false: it can. */
export function noLogind(): string | false {
  if (process.getuid?.() !== 0) return 'needs root for a mount namespace';
  return existsSync(logindProgram) ? false : `needs ${logindProgram}`;
}

/**
 * systemd-logind on this bus, in a mount namespace where /run is empty: it sees no seat of the machine, keeps its state to
 * itself, and what it asks systemd for goes to whoever is systemd on this bus.
 */
export async function startLogind(
  directory: string,
  address: string,
  inhibitDelayMaxSeconds: number,
): Promise<ChildProcess> {
  const settings = join(directory, 'logind.conf');
  writeFileSync(settings, `[Login]\nInhibitDelayMaxSec=${inhibitDelayMaxSeconds}\n`);
  const script = `mount --make-rprivate / && mount -t tmpfs none /run && mkdir /run/systemd &&
    mount --bind "$1" /etc/systemd/logind.conf && exec ${logindProgram}`;
  const child = spawn('unshare', ['--mount', 'sh', '-c', script, 'sh', settings], {
    stdio: 'ignore',
    env: { ...process.env, DBUS_SYSTEM_BUS_ADDRESS: address },
  });
  const isUp = async () => {
    const hasOwner = { member: 'NameHasOwner', signature: 's', body: ['org.freedesktop.login1'] };
    const bus = { destination: 'org.freedesktop.DBus', path: '/org/freedesktop/DBus' };
    const [answer] = await callBus({ ...bus, interface: bus.destination, ...hasOwner }, { address });
    return answer === true;
  };
  await until(isUp, 10_000, 'logind did not start');
  return child;
}

/** Ends a child and waits for it. */
export async function endChild(child: ChildProcess | undefined): Promise<void> {
  if (!child || child.exitCode !== null || child.signalCode !== null) return;
  child.kill('SIGKILL');
  await until(() => child.exitCode !== null || child.signalCode !== null, 5_000, 'a child does not end');
}
