/** One emulated host in two NUMA cells: a root disk that forgets its writes, and a disk with the project on it. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { createConnection } from 'node:net';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';

/** CPUs of a machine; each socket is a NUMA cell. */
export interface Topology {
  readonly coresPerCell: number;
  /** 2: every core has a sibling. */
  readonly threadsPerCore: number;
  readonly cellMiB: number;
}

export interface MachineOptions {
  readonly topology: Topology;
  /** Holds root.img, vmlinuz and initrd. */
  readonly image: string;
  /** A qcow2 disk over root.img that keeps what is written for the next boot; absent: nothing is kept. */
  readonly keptDisk?: string;
  /** File system image with the project. */
  readonly dataDisk: string;
  /** For sockets and the log of the serial line. */
  readonly folder: string;
}

export interface Machine {
  /** Socket of the guest agent. */
  readonly agentSocket: string;
  /** Why the emulator has ended; undefined while it runs. */
  gone(): string | undefined;
  /** The last lines of the serial line. */
  serial(lines?: number): string;
  /** Hands over each line that is written to /dev/virtio-ports/drover.output in the machine, from now on. */
  onOutput(use: (line: string) => void): Promise<void>;
  /** Ends it at once, as pulling the plug would: nothing in it is kept. */
  stop(): Promise<void>;
}

const cells = 2;

/** Starts QEMU without KVM: nested virtualization must not matter. QEMU dies with this process, however it ends. */
export async function startMachine(options: MachineOptions): Promise<Machine> {
  const { folder } = options;
  const sockets = { agent: join(folder, 'agent.sock'), output: join(folder, 'output.sock') };
  const log = join(folder, 'serial.log');
  const argv = ['--pdeathsig', 'SIGKILL', 'qemu-system-x86_64', ...emulator(options, sockets, log)];
  for (const path of [...Object.values(sockets), log]) rmSync(path, { force: true }); // of a machine before
  const child = spawn('setpriv', argv, { stdio: ['ignore', 'ignore', 'pipe'] });
  let complaint = '';
  let end: string | undefined;
  child.stderr.on('data', (chunk: Buffer) => (complaint = `${complaint}${chunk.toString()}`.slice(-2000)));
  child.on('error', (cause) => (end ??= cause.message));
  child.on('exit', (code, signal) => (end ??= `${signal ?? `exit code ${code}`} ${complaint.trim()}`));
  const deadline = performance.now() + 30_000;
  while (!existsSync(sockets.output)) {
    if (end !== undefined) throw new Error(`QEMU: ${end}`);
    if (performance.now() > deadline) throw new Error('QEMU did not start in 30 s');
    await sleep(50);
  }
  return {
    agentSocket: sockets.agent,
    gone: () => end,
    serial: (lines = 20) =>
      (existsSync(log) ? readFileSync(log, 'utf8') : '').trimEnd().split('\n').slice(-lines).join('\n'),
    onOutput: async (use) => {
      const socket = createConnection(sockets.output);
      await once(socket, 'connect');
      createInterface({ input: socket }).on('line', use);
    },
    stop: async () => {
      if (end !== undefined) return;
      const exited = once(child, 'exit');
      child.kill('SIGTERM');
      await exited;
    },
  };
}

function emulator(
  { image, dataDisk, topology, keptDisk }: MachineOptions,
  sockets: { agent: string; output: string },
  log: string,
): string[] {
  const port = (id: string, path: string, name: string): string[] => [
    ...['-chardev', `socket,id=${id},path=${path},server=on,wait=off`],
    ...['-device', `virtserialport,chardev=${id},name=${name}`],
  ];
  const root =
    keptDisk === undefined
      ? `file=${join(image, 'root.img')},format=raw,snapshot=on`
      : `file=${keptDisk},format=qcow2`;
  return [
    ...[
      '-display',
      'none',
      '-nodefaults',
      '-no-reboot',
      '-accel',
      'tcg,thread=multi',
      ...processors(topology),
    ],
    ...['-kernel', join(image, 'vmlinuz'), '-initrd', join(image, 'initrd')],
    // The last four spare the emulator work that nothing here looks at.
    ...[
      '-append',
      'root=/dev/vda rw console=ttyS0 net.ifnames=0 quiet mitigations=off nokaslr audit=0 systemd.show_status=1',
    ],
    ...['-drive', `${root},if=virtio,cache=unsafe`],
    ...['-drive', `file=${dataDisk},if=virtio,format=raw,cache=unsafe,snapshot=on`],
    ...['-device', 'virtio-rng-pci', '-device', 'virtio-serial-pci'],
    ...port('agent', sockets.agent, 'org.qemu.guest_agent.0'),
    ...port('output', sockets.output, 'drover.output'),
    ...['-chardev', `file,id=serial,path=${log}`, '-serial', 'chardev:serial'],
  ];
}

/** CPUs, memory and cells. An Intel model tells the kernel its threads (CPUID leaf 11) with nothing switched on. */
function processors({ coresPerCell, threadsPerCore, cellMiB }: Topology): string[] {
  const perCell = coresPerCell * threadsPerCore;
  const cell = (id: number): string[] => [
    ...['-object', `memory-backend-ram,id=m${id},size=${cellMiB}M`],
    ...['-numa', `node,nodeid=${id},cpus=${id * perCell}-${(id + 1) * perCell - 1},memdev=m${id}`],
  ];
  return [
    ...['-cpu', 'Nehalem', '-m', `${cells * cellMiB}`],
    ...['-smp', `${cells * perCell},sockets=${cells},cores=${coresPerCell},threads=${threadsPerCore}`],
    ...[...cell(0), ...cell(1), '-numa', 'dist,src=0,dst=1,val=21'],
  ];
}
