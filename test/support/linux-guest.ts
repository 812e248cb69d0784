/**
 * A guest that is a whole Debian: its own kernel, systemd, logind and the QEMU guest agent, on the root disk of the virtual
 * machines (`test/vm/root-image.sh`). It is emulated, as KVM inside a virtual machine boots no Linux everywhere; booting takes
 * half a minute and is done once: a snapshot with its memory brings the booted guest back in seconds.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { until } from './poll.js';
import type { PrivateLibvirtd } from './private-libvirtd.js';

/** Of the disk's services, those that no guest has; a guest boots faster without them. */
const masked = [
  ...['libvirtd.service', 'libvirtd.socket', 'libvirtd-ro.socket', 'libvirtd-admin.socket'],
  'openvswitch-switch.service',
];
const slowMs = 240_000;
const snapshot = 'booted';

export class LinuxGuest {
  readonly name: string;
  readonly #libvirtd: PrivateLibvirtd;

  private constructor(libvirtd: PrivateLibvirtd, name: string) {
    this.#libvirtd = libvirtd;
    this.name = name;
  }

  /** Defined, not started. `image` holds root.img, vmlinuz and initrd, which are only read. */
  static async define(libvirtd: PrivateLibvirtd, name: string, image: string): Promise<LinuxGuest> {
    const guest = new LinuxGuest(libvirtd, name);
    const base = ['-b', join(image, 'root.img'), '-F', 'raw'];
    execFileSync('qemu-img', ['create', '-q', '-f', 'qcow2', ...base, guest.#file('qcow2')]);
    writeFileSync(guest.#file('xml'), guest.#xml(image));
    await libvirtd.virsh('define', guest.#file('xml'));
    return guest;
  }

  /** Boots it until its services run, and keeps what it is then. Errors: when that takes too long. */
  async boot(): Promise<void> {
    await this.#virsh('start', this.name);
    await this.says(/Reached target multi-user\.target/);
    await until(() => this.agentAnswers(), slowMs, 'the guest agent does not answer');
    await this.#virsh('snapshot-create-as', this.name, snapshot);
  }

  /** As it was when it had booted: another start of the same guest. */
  async bringBack(): Promise<void> {
    await this.#virsh('snapshot-revert', this.name, snapshot, '--running');
    await until(() => this.agentAnswers(), slowMs, 'the guest agent does not answer again');
  }

  async agentAnswers(): Promise<boolean> {
    return this.#ask({ execute: 'guest-ping' }).then(
      () => true,
      () => false,
    );
  }

  /** Begins a shell line as root in the guest, by its agent, whose answer is out before the line is run. */
  async begin(line: string): Promise<void> {
    const argv = { path: '/bin/sh', arg: ['-c', `sleep 1; ${line}`] };
    await this.#ask({ execute: 'guest-exec', arguments: argv });
  }

  /** Done when this start of the guest has written it to its serial line. */
  async says(words: RegExp): Promise<void> {
    await until(() => words.test(this.serial()), slowMs, `the guest does not say ${words.source}`);
  }

  /** `running`, `shut off (shutdown)`, `shut off (destroyed)`, …: libvirt's own word on it. */
  async state(): Promise<string> {
    return this.#virsh('domstate', '--reason', this.name);
  }

  /** What this start of the guest wrote to its serial line. */
  serial(): string {
    return existsSync(this.#file('log')) ? readFileSync(this.#file('log'), 'utf8') : '';
  }

  async remove(): Promise<void> {
    await this.#virsh('destroy', this.name).catch(() => '');
    await this.#virsh('undefine', '--snapshots-metadata', this.name).catch(() => '');
  }

  async #ask(question: object): Promise<void> {
    const words = ['qemu-agent-command', '--timeout', '5', this.name, JSON.stringify(question)];
    await this.#virsh(...words);
  }

  #virsh(...words: string[]): Promise<string> {
    return this.#libvirtd.virsh(...words);
  }

  #file(end: string): string {
    return join(this.#libvirtd.directory, `${this.name}.${end}`);
  }

  /** QEMU runs as root and libvirt gives no file away: the image is others' too. */
  #xml(image: string): string {
    const mask = masked.map((unit) => `systemd.mask=${unit}`).join(' ');
    const words = `root=/dev/vda rw console=ttyS0 net.ifnames=0 quiet mitigations=off nokaslr audit=0 systemd.show_status=1 systemd.log_color=0 ${mask}`;
    const os = `<os><type arch='x86_64' machine='pc'>hvm</type><kernel>${image}/vmlinuz</kernel><initrd>${image}/initrd</initrd><cmdline>${words}</cmdline></os>`;
    const disk = `<disk type='file' device='disk'><driver name='qemu' type='qcow2' cache='unsafe'/><source file='${this.#file('qcow2')}'/><target dev='vda' bus='virtio'/></disk>`;
    const agent = `<channel type='unix'><target type='virtio' name='org.qemu.guest_agent.0'/></channel>`;
    const serial = `<serial type='file'><source path='${this.#file('log')}'/></serial>`;
    const more = `<rng model='virtio'><backend model='random'>/dev/urandom</backend></rng><memballoon model='none'/>`;
    return `<domain type='qemu'><name>${this.name}</name><memory unit='MiB'>768</memory><vcpu>1</vcpu>${os}
<features><acpi/><apic/></features><cpu mode='custom' match='exact'><model>Nehalem</model></cpu>
<devices><emulator>/usr/bin/qemu-system-x86_64</emulator>${disk}${agent}${serial}${more}</devices>
<seclabel type='static' model='dac' relabel='no'><label>+0:+0</label></seclabel></domain>`;
  }
}
