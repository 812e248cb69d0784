/**
 * A real KVM domain with a boot-sector guest that obeys the power button, obeys it late, or is deaf to it. On the machine's
 * libvirtd; `ensureLibvirtd` of boot-domain.ts comes first.
 */
import { execFile, spawnSync } from 'node:child_process';
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { turnsAddress } from '../../scripts/hypervisor/obedient-guest.js';
import { writeGuestImage, type SampleGuest } from '../../scripts/hypervisor/sample-guest.js';
import { pidDirectory, systemUri } from './boot-domain.js';
import { until } from './poll.js';

const run = promisify(execFile);

export interface GuestDomainOptions {
  readonly guest?: SampleGuest;
  readonly slowSeconds?: number;
  readonly memoryMib?: number;
  /** XML put below `<domain>`, such as `<metadata>`. */
  readonly extra?: string;
  /** XML put below `<devices>`. */
  readonly devices?: string;
}

export class GuestDomain {
  readonly name: string;
  readonly uuid: string;
  readonly xmlFile: string;
  readonly #directory: string;

  private constructor(name: string, uuid: string, directory: string) {
    this.name = name;
    this.uuid = uuid;
    this.#directory = directory;
    this.xmlFile = join(directory, 'domain.xml');
  }

  /** `drover-test-PID-LABEL`: its image and XML are there, libvirt knows nothing of it yet. */
  static async make(label: string, uuid: string, options: GuestDomainOptions = {}): Promise<GuestDomain> {
    const { guest = 'obedient', ...rest } = options;
    const directory = mkdtempSync('/var/lib/libvirt/images/drover-test-');
    chmodSync(directory, 0o755);
    const domain = new GuestDomain(`drover-test-${process.pid}-${label}`, uuid, directory);
    await writeGuestImage(domain.#image, guest, rest);
    writeFileSync(domain.xmlFile, domain.#xml(rest));
    return domain;
  }

  /** As `make`, and defined. */
  static async define(label: string, uuid: string, options?: GuestDomainOptions): Promise<GuestDomain> {
    const domain = await GuestDomain.make(label, uuid, options);
    await domain.virsh('define', domain.xmlFile);
    return domain;
  }

  get pid(): number {
    return Number(readFileSync(join(pidDirectory, `${this.name}.pid`), 'utf8'));
  }

  async virsh(...words: string[]): Promise<string> {
    return (await run('virsh', ['-q', '-c', systemUri, ...words], { timeout: 60_000 })).stdout.trim();
  }

  state(): Promise<string> {
    return this.virsh('domstate', this.name);
  }

  /** Turns that an obedient guest counted since it booted, 18 a second; 0: it has not come to its code yet. */
  async turns(): Promise<number> {
    const words = ['qemu-monitor-command', '--hmp', this.name, `xp /1dw ${turnsAddress}`];
    return Number(/: *(\d+)/.exec(await this.virsh(...words))?.[1] ?? 0);
  }

  /** Done when an obedient guest listens for its power button: before that, one press is heard by nobody. */
  async listening(): Promise<void> {
    await until(async () => (await this.turns()) > 0, 60_000, `${this.name} did not boot`);
  }

  remove(): void {
    spawnSync('virsh', ['-c', systemUri, 'destroy', this.name]);
    spawnSync('virsh', ['-c', systemUri, 'undefine', '--managed-save', this.name]);
    rmSync(this.#directory, { recursive: true, force: true });
  }

  get #image(): string {
    return join(this.#directory, 'disk.raw');
  }

  #xml({ memoryMib = 64, extra = '', devices = '' }: GuestDomainOptions): string {
    const os = "<os><type arch='x86_64' machine='pc'>hvm</type></os><features><acpi/></features>";
    const disk = `<disk type='file' device='disk'><driver name='qemu' type='raw' cache='none'/><source file='${this.#image}'/><target dev='vda' bus='virtio'/></disk>`;
    return `<domain type='kvm'><name>${this.name}</name><uuid>${this.uuid}</uuid><memory unit='MiB'>${memoryMib}</memory><vcpu>1</vcpu>${extra}${os}<devices>${disk}${devices}<memballoon model='none'/></devices></domain>`;
  }
}
