/**
 * Guests that need no operating system: the disk's boot sector is all of them. A BIOS loads sector 0 to 0x7c00 and jumps
 * there in 16-bit real mode, with interrupts 10h to 1Ah for services. Such a guest starts within a second.
 */
import { open } from 'node:fs/promises';
import { obedientGuest } from './obedient-guest.js';

/**
 * `busy`: one vCPU spins. `write`: writes to its disk for ever. `idle`: halts, and costs the host nothing. These ignore ACPI;
 * `obedient` is off at once when its power button is pressed, and `slow` some seconds later.
 */
export type SampleGuest = 'busy' | 'write' | 'idle' | 'obedient' | 'slow';

export interface GuestOptions {
  /** How long `slow` takes to obey, 0..3000; 5. */
  readonly slowSeconds?: number;
}

const sectorBytes = 512;

/** The area that the write guest goes over, in sectors: 1 MiB up to 60 MiB. The boot sector lies before it. */
const firstSector = 2048;
const endSector = 122_880;

/** Sectors of one write. 64 is half of what every BIOS takes (127), and a buffer that stays inside one 64 KiB segment. */
const sectorsPerWrite = 64;

/** Size of the disk, in bytes; the file is sparse. */
export const imageBytes = 64 * 2 ** 20;

/** Writes a disk image with the guest in its boot sector; a file that is there is replaced. Errors: as `bootSector`. */
export async function writeGuestImage(
  path: string,
  guest: SampleGuest,
  options: GuestOptions = {},
): Promise<void> {
  const sector = bootSector(guest, options);
  const file = await open(path, 'w', 0o666);
  try {
    await file.truncate(imageBytes);
    await file.write(sector, 0, sectorBytes, 0);
    await file.chmod(0o666); // QEMU runs as another user
  } finally {
    await file.close();
  }
}

/**
 * The 512 bytes of a guest's boot sector: its code, and the signature 55 aa at byte 510 without which no BIOS starts it.
 * Errors: `RangeError` for seconds that cannot be.
 */
export function bootSector(guest: SampleGuest, { slowSeconds = 5 }: GuestOptions = {}): Uint8Array {
  const sector = new Uint8Array(sectorBytes);
  sector.set(codeOf(guest, slowSeconds));
  sector.set([0x55, 0xaa], 510);
  return sector;
}

function codeOf(guest: SampleGuest, slowSeconds: number): number[] {
  if (guest === 'obedient' || guest === 'slow') return obedientGuest(guest === 'slow' ? slowSeconds : 0);
  return guest === 'write' ? writer() : guest === 'busy' ? spinner : halter;
}

const spinner = [0xeb, 0xfe]; // here: jmp here
const halter = [0xfa, 0xf4, 0xeb, 0xfd]; // cli; here: hlt; jmp here

/** Where the disk address packet of INT 13h AH=43h lies: the code is shorter than 128 bytes. */
const packet = 0x7c00 + 128;
/** The packet's block number, which the code counts up. */
const block = packet + 8;

/** Code and packet of the write guest. BIOS disk 80h is the one it was booted from. */
function writer(): number[] {
  const setUp = [
    ...[0xfa], //                                      cli
    ...[0x31, 0xc0], //                                xor ax, ax
    ...[0x8e, 0xd8], //                                mov ds, ax
    ...[0x8e, 0xd0], //                                mov ss, ax
    ...[0xbc, ...word(0x7c00)], //                     mov sp, 0x7c00: the stack grows away from the code
    ...[0xfb], //                                      sti
  ];
  const turn = [
    ...[0xbe, ...word(packet)], //                     mov si, packet
    ...[0xb8, ...word(0x4300)], //                     mov ax, 0x4300: extended write without verify
    ...[0xb2, 0x80], //                                mov dl, 0x80
    ...[0xcd, 0x13], //                                int 0x13
    ...[0x66, 0x83, 0x06, ...word(block), sectorsPerWrite], // add dword [block], sectorsPerWrite
    ...[0x66, 0x81, 0x3e, ...word(block), ...dword(endSector)], // cmp dword [block], endSector
  ];
  const wrap = [0x66, 0xc7, 0x06, ...word(block), ...dword(firstSector)]; // mov dword [block], firstSector
  const again = (code: number, before: number) => [code, 0x100 - (turn.length + before + 2)];
  const code = [...setUp, ...turn, ...again(0x72, 0), ...wrap, ...again(0xeb, 2 + wrap.length)]; // jb turn; …; jmp turn
  // size of the packet, 0, sectors, buffer at 2000:0000, first block (64 bits)
  const request = [
    0x10,
    0,
    ...word(sectorsPerWrite),
    ...word(0),
    ...word(0x2000),
    ...dword(firstSector),
    ...dword(0),
  ];
  return [...code, ...Array<number>(128 - code.length).fill(0), ...request];
}

function word(value: number): number[] {
  return [value & 0xff, (value >> 8) & 0xff];
}

function dword(value: number): number[] {
  return [...word(value & 0xffff), ...word(value >>> 16)];
}
