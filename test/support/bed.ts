/**
 * Several hosts on one machine: each has its own network address, hostname, libvirtd and Open vSwitch in namespaces of its
 * own, and runs real KVM domains. Kernel settings (KSM, hugepages, schedulers) and cgroups are the machine's and shared:
 * take domain names from `domainName`. Needs root.
 */
import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process';
import { join } from 'node:path';
import { type Run, type RunOptions, runner } from '../../scripts/hypervisor/command.js';
import { type RunningHypervisor, startHypervisor } from '../../scripts/hypervisor/hypervisor.js';
import { datapathType } from '../../scripts/hypervisor/machine.js';
import { namespaceOf } from '../../scripts/hypervisor/processes.js';
import { ensureBridge } from '../../scripts/hypervisor/sample-domain.js';
import { makeNamespaces, makeNetwork, privatePath, startWatcher } from './bed-host.js';
import { bridgeName, claimBed, namespaceName, removeBed, removeLeftovers } from './bed-state.js';

export { until } from './poll.js';

/** Hosts of one bed: their number is the last part of the address. */
export const maximumHosts = 200;

export interface BedHost {
  /** From 1. */
  readonly number: number;
  /** Its hostname and the name of its network namespace. */
  readonly name: string;
  /** 10.77.BED.NUMBER */
  readonly address: string;
  /** Its directory on the machine; the private directories lie below. */
  readonly directory: string;
  /** libvirtd's socket as the machine sees it; inside the host it is where it always is. */
  readonly libvirtSocket: string;
  /** libvirt URI that reaches this host from the machine. */
  readonly libvirtUri: string;
  /** /var/lib/libvirt/images of the host as the machine sees it. */
  readonly imagesDirectory: string;
  /** Id of the process that holds the namespaces. */
  readonly holder: number;
  /** Runs programs in the host; for virsh and ovs-vsctl helpers that take a `Run`. */
  readonly run: Run;
  /** A domain name that no other host or bed uses. */
  domainName(word: string): string;
}

export interface BedOptions {
  /** Every host gets libvirtd, Open vSwitch and the bridge br-int. Default: none; see `startHypervisor`. */
  readonly hypervisor?: boolean;
}

export interface Bed {
  readonly hosts: readonly BedHost[];
  /** Address of the machine itself on the hosts' network: a control plane outside listens here. */
  readonly address: string;
  /** Starts libvirtd, Open vSwitch and br-int of one host. `stop` stops them in order. */
  startHypervisor(host: BedHost): Promise<RunningHypervisor>;
  /** Runs a program in a host and answers its standard output. */
  exec(host: BedHost, argv: readonly string[], options?: RunOptions): Promise<string>;
  /** Starts a program in a host; the child is the program itself, so that signals reach it. It ends with the bed. */
  spawn(host: BedHost, argv: readonly string[], options?: SpawnOptions): ChildProcess;
  /** Cuts a host off: packets in both directions vanish without an answer. */
  partition(host: BedHost): Promise<void>;
  heal(host: BedHost): Promise<void>;
  /** Ends everything in every host, domains too. Also done when this process dies. */
  down(): Promise<void>;
}

/** Makes `count` hosts. Beds of dead processes are removed first; beds of living ones stand beside this one. */
export async function makeBed(count: number, options: BedOptions = {}): Promise<Bed> {
  if (!(count >= 1 && count <= maximumHosts))
    throw new Error(`a bed has 1 to ${maximumHosts} hosts, not ${count}`);
  await removeLeftovers();
  const { bed, directory } = await claimBed(process.pid);
  const watcher = startWatcher(bed, directory);
  const down = async () => {
    await removeBed(bed, directory);
    watcher.kill('SIGKILL');
  };
  try {
    const address = await connectMachine(bed);
    const hosts = await Promise.all(numbers(count).map((number) => makeHost(bed, number, directory)));
    if (options.hypervisor) await Promise.all(hosts.map(startHostHypervisor));
    return { hosts, address, down, startHypervisor: startHostHypervisor, ...programs, ...cuts(hosts) };
  } catch (cause) {
    await down();
    throw cause;
  }
}

function numbers(count: number): number[] {
  return Array.from({ length: count }, (_, index) => index + 1);
}

async function connectMachine(bed: number): Promise<string> {
  const run = runner();
  const address = `10.77.${bed}.254`;
  await run(['ip', 'addr', 'add', `${address}/24`, 'dev', bridgeName(bed)]);
  await run(['ip', 'link', 'set', bridgeName(bed), 'up']);
  return address;
}

async function makeHost(bed: number, number: number, bedDirectory: string): Promise<BedHost> {
  const directory = join(bedDirectory, `${number}`);
  await makeNetwork(bed, number);
  const holder = await makeNamespaces(bed, number, directory);
  const name = namespaceName(bed, number);
  const libvirtSocket = join(privatePath(directory, '/run/libvirt'), 'libvirt-sock');
  return {
    ...{ number, name, directory, holder, libvirtSocket, address: `10.77.${bed}.${number}` },
    libvirtUri: `qemu+unix:///system?socket=${libvirtSocket}`,
    imagesDirectory: join(privatePath(directory, '/var/lib/libvirt'), 'images'),
    run: runner(entering(name, holder)),
    domainName: (word) => `${name}-${word}`,
  };
}

/** `ip netns exec` would hide the cgroups, and without --wdns the working directory would become /. */
function entering(name: string, holder: number): string[] {
  const places = [
    `--net=/run/netns/${name}`,
    `--mount=/proc/${holder}/ns/mnt`,
    `--uts=/proc/${holder}/ns/uts`,
  ];
  return ['nsenter', ...places, `--wdns=${process.cwd()}`, '--'];
}

async function startHostHypervisor(host: BedHost): Promise<RunningHypervisor> {
  const mountNamespace = namespaceOf(host.holder, 'mnt');
  if (mountNamespace === undefined) throw new Error(`${host.name} is down`);
  const running = await startHypervisor({ run: host.run, mountNamespace, systemd: false });
  await ensureBridge(host.run, 'br-int', await datapathType());
  return running;
}

const programs = {
  exec: (host: BedHost, argv: readonly string[], options?: RunOptions) => host.run(argv, options),
  spawn(host: BedHost, argv: readonly string[], options: SpawnOptions = {}): ChildProcess {
    const [nsenter, ...places] = entering(host.name, host.holder);
    return spawn(nsenter as string, [...places, ...argv], options);
  },
};

function cuts(hosts: readonly BedHost[]): Pick<Bed, 'partition' | 'heal'> {
  const cut = new Set<BedHost>();
  const change = async (host: BedHost, action: '-I' | '-D') => {
    if (!hosts.includes(host)) throw new Error(`${host.name} is not of this bed`);
    await host.run(['iptables', '-w', '5', action, 'INPUT', '!', '-i', 'lo', '-j', 'DROP']);
    await host.run(['iptables', '-w', '5', action, 'OUTPUT', '!', '-o', 'lo', '-j', 'DROP']);
  };
  return {
    async partition(host) {
      if (!cut.has(host)) await change(host, '-I');
      cut.add(host);
    },
    async heal(host) {
      if (cut.delete(host)) await change(host, '-D');
    },
  };
}
