/** The four daemons of a KVM host: how each is started, and how one sees that it answers. */
import { type Run, succeeds } from './command.js';
import { reaperPrefix } from './reaper.js';

export interface Daemon {
  /** The program, which is also the kernel's command name of its process. */
  readonly name: string;
  /** Starts it in the background; what it leaves of an earlier run (sockets, pid files) does not matter. */
  start(run: Run): Promise<void>;
  /** True when it answers a request now. */
  answers(run: Run): Promise<boolean>;
}

/** How long one question to a daemon may take, in seconds (ovs tools) and milliseconds. */
const questionSeconds = 3;
const questionMs = questionSeconds * 1000;

const database = '/etc/openvswitch/conf.db';

/** Open vSwitch's configuration database: made anew where it is missing or empty (a killed `ovsdb-tool create`). */
export const ovsdbServer: Daemon = {
  name: 'ovsdb-server',
  async start(run) {
    await run(['mkdir', '-p', '/run/openvswitch', '/var/log/openvswitch', '/etc/openvswitch']);
    if (!(await succeeds(run, ['test', '-s', database]))) {
      await run(['rm', '-f', database]);
      await run(['ovsdb-tool', 'create', database, '/usr/share/openvswitch/vswitch.ovsschema']);
    }
    await run([
      'ovsdb-server',
      '--remote=punix:/run/openvswitch/db.sock',
      '--pidfile',
      '--detach',
      '--log-file',
      database,
    ]);
    await run(['ovs-vsctl', `--timeout=${questionSeconds}`, '--no-wait', 'init']);
  },
  answers: (run) =>
    succeeds(
      run,
      ['ovsdb-client', '-t', `${questionSeconds}`, 'list-dbs', 'unix:/run/openvswitch/db.sock'],
      questionMs,
    ),
};

export const ovsVswitchd: Daemon = {
  name: 'ovs-vswitchd',
  async start(run) {
    await run(['ovs-vswitchd', '--pidfile', '--detach', '--log-file']);
  },
  answers: (run) =>
    succeeds(run, ['ovs-appctl', '-T', `${questionSeconds}`, '-t', 'ovs-vswitchd', 'version'], questionMs),
};

export const virtlogd: Daemon = {
  name: 'virtlogd',
  async start(run) {
    await run([
      'mkdir',
      '-p',
      '/run/libvirt',
      '/var/lib/libvirt/images',
      '/var/lib/libvirt/qemu',
      '/var/log/libvirt/qemu',
    ]);
    await run(['virtlogd', '-d', '-p', '/run/libvirt/virtlogd.pid']);
  },
  answers: (run) => succeeds(run, ['virt-admin', '-c', 'virtlogd:///system', 'server-list'], questionMs),
};

export const libvirtd: Daemon = {
  name: 'libvirtd',
  async start(run) {
    const inBackground = 'exec setsid --fork "$@" </dev/null >>/var/log/libvirt/libvirtd.log 2>&1';
    await run([
      'sh',
      '-c',
      inBackground,
      'sh',
      ...reaperPrefix(),
      'libvirtd',
      '-p',
      '/run/libvirt/libvirtd.pid',
    ]);
  },
  answers: (run) => succeeds(run, ['virsh', '-c', 'qemu:///system', 'uri'], questionMs),
};

/** In the order in which they are started; they are stopped the other way round. */
export const daemons: readonly Daemon[] = [ovsdbServer, ovsVswitchd, virtlogd, libvirtd];

/** What was brought up, and how it goes down again. */
export interface RunningHypervisor {
  /** Daemons or units that this call started, in the order of their start. */
  readonly started: string[];
  /** Stops what this call started, last first. Domains are the caller's: they go on running without libvirtd. */
  stop(): Promise<void>;
}
