/**
 * Many KVM domains that cost next to nothing: their firmware is one that halts at once, so that none spends seconds of CPU
 * in a BIOS. Everything that an agent sees of a domain is there: QEMU's threads, control groups, a disk, an
 * interface, libvirt's records.
 */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Run } from '../hypervisor/command.js';
import { domainType } from '../hypervisor/machine.js';
import { domainXml } from '../hypervisor/sample-domain.js';
import { writeGuestImage } from '../hypervisor/sample-guest.js';

const images = '/var/lib/libvirt/images';
const romBytes = 65_536;
/** The first instruction of an x86 processor is 16 bytes before the end of its firmware: cli; here: hlt; jmp here. */
const halt = { at: romBytes - 16, code: [0xfa, 0xf4, 0xeb, 0xfd] };
const memoryBytes = 16 * 2 ** 20;
/** On no bridge: nothing comes through it. */
const tap = `<interface type='ethernet'><model type='virtio'/></interface>`;
/** Domains of one virsh call: each start takes a third of a second on a quiet machine, and some seconds on a busy one. */
const batch = 10;
const batchMs = 300_000;

export class HaltedDomains {
  readonly names: readonly string[];
  readonly #run: Run;
  readonly #folder: string;

  /** Names begin with `prefix`. Their files lie in a folder of that name below libvirt's images. */
  constructor(run: Run, prefix: string, count: number) {
    this.#run = run;
    this.#folder = join(images, prefix);
    this.names = Array.from({ length: count }, (_, index) => `${prefix}-${index}`);
  }

  /** Defines and starts all of them. Errors: `CommandError` with libvirt's words. */
  async start(): Promise<void> {
    mkdirSync(this.#folder, { recursive: true, mode: 0o755 });
    const rom = new Uint8Array(romBytes);
    rom.set(halt.code, halt.at);
    writeFileSync(join(this.#folder, 'halt.rom'), rom);
    for (const name of this.names) await this.#write(name);
    await this.#each(this.names, (name) => [`define ${join(this.#folder, `${name}.xml`)}`, `start ${name}`]);
  }

  /** Stops one and starts it anew. */
  async restart(name: string): Promise<void> {
    await this.#each([name], () => [`destroy ${name}`, `start ${name}`]);
  }

  /** Ends and forgets all of them, also those that were not started. */
  async remove(): Promise<void> {
    // virsh goes on to the next command after one that failed, and then ends with an error.
    await this.#each(this.names, (name) => [`destroy ${name}`, `undefine ${name}`]).catch(() => undefined);
    rmSync(this.#folder, { recursive: true, force: true });
  }

  async #write(name: string): Promise<void> {
    const imagePath = join(this.#folder, `${name}.img`);
    await writeGuestImage(imagePath, 'idle');
    const loader = `<loader readonly='yes' type='rom'>${join(this.#folder, 'halt.rom')}</loader>`;
    const xml = domainXml({ name, imagePath, memoryBytes, type: domainType() });
    const halting = xml
      .replace('hvm</type>', `hvm</type>${loader}`)
      .replace('</devices>', `${tap}</devices>`);
    writeFileSync(join(this.#folder, `${name}.xml`), halting);
  }

  async #each(names: readonly string[], commands: (name: string) => string[]): Promise<void> {
    for (let from = 0; from < names.length; from += batch) {
      const some = names.slice(from, from + batch).flatMap(commands);
      await this.#run(['virsh', '-q', '-c', 'qemu:///system', some.join('; ')], { timeoutMs: batchMs });
    }
  }
}
