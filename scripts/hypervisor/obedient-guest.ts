/**
 * The code of a boot-sector guest that obeys the ACPI power button. It needs QEMU's machine `pc` (i440fx) with ACPI: SeaBIOS
 * puts the power management of its PIIX4 at I/O port 0x600 and leaves the timer interrupt on, which wakes it 18.2 times a
 * second; in between it halts. ACPI specification 4.8.3: PM1 status, enable and control registers.
 */

/** Registers of 16 bits each. A status bit is cleared by writing 1 to it. */
const pm1 = { status: 0x600, enable: 0x602, control: 0x604 } as const;

/** Bit 8 of status and enable, as a bit of their upper byte. QEMU reports the button only while it is enabled. */
const powerButton = 0x01;

/** SLP_EN with SLP_TYP 0, which is S5 in QEMU's PIIX4: off. */
const sleepNow = 0x2000;

/** Where the BIOS counts timer interrupts (low 16 bits), and how many there are in a second. */
const ticks = { address: 0x046c, each: 1193182 / 65536 } as const;

/** Where the guest counts its own turns, in 32 bits, from 0: what it resumes with shows whether its memory was kept. */
export const turnsAddress = 0x7e00;

/** Longest time that fits the 16 bits of the tick counter with room to spare. */
const longestSeconds = 3000;

/** Machine code for 0x7c00. `seconds`: from the button to off. Errors: `RangeError` outside of 0..3000. */
export function obedientGuest(seconds: number): number[] {
  if (!(seconds >= 0 && seconds <= longestSeconds))
    throw new RangeError(`slowSeconds: got ${seconds}; want 0..${longestSeconds}`);
  return [...setUp, ...untilButton, ...wait(Math.round(seconds * ticks.each)), ...turnOff];
}

const setUp = [
  ...[0xfa], //                                          cli
  ...[0x31, 0xc0], //                                    xor ax, ax
  ...[0x8e, 0xd8], //                                    mov ds, ax
  ...[0x8e, 0xd0], //                                    mov ss, ax
  ...[0xbc, ...word(0x7c00)], //                         mov sp, 0x7c00
  ...[0x66, 0xc7, 0x06, ...word(turnsAddress), 0, 0, 0, 0], // mov dword [turns], 0
  ...[0xba, ...word(pm1.enable)], //                     mov dx, enable
  ...[0xb8, ...word(powerButton << 8)], //               mov ax, button
  ...[0xef], //                                          out dx, ax
  ...[0xfb], //                                          sti
  ...[0xba, ...word(pm1.status)], //                     mov dx, status
];

const turn = [
  ...[0xf4], //                                          hlt
  ...[0x66, 0xff, 0x06, ...word(turnsAddress)], //       inc dword [turns]
  ...[0xed], //                                          in ax, dx
  ...[0xf6, 0xc4, powerButton], //                       test ah, button
];

const untilButton = [
  ...again(0x74, turn), //                               turn; jz turn
  ...[0xb8, ...word(powerButton << 8)], //               mov ax, button
  ...[0xef], //                                          out dx, ax: heard, so its interrupt ends
];

function wait(tickCount: number): number[] {
  const look = [
    ...[0xf4], //                                        hlt
    ...[0xa1, ...word(ticks.address)], //                mov ax, [ticks]
    ...[0x29, 0xd8], //                                  sub ax, bx
    ...[0x3d, ...word(tickCount)], //                    cmp ax, tickCount
  ];
  const begin = [0x8b, 0x1e, ...word(ticks.address)]; // mov bx, [ticks]
  return tickCount === 0 ? [] : [...begin, ...again(0x72, look)]; // look; jb look
}

const turnOff = [
  ...[0xba, ...word(pm1.control)], //                    mov dx, control
  ...[0xb8, ...word(sleepNow)], //                       mov ax, sleepNow
  ...[0xef], //                                          out dx, ax
  ...[0xfa, 0xf4, 0xeb, 0xfd], //                        cli; here: hlt; jmp here
];

/** A piece of code and a short jump back to its start. */
function again(jump: number, code: readonly number[]): number[] {
  return [...code, jump, 0x100 - (code.length + 2)];
}

function word(value: number): number[] {
  return [value & 0xff, (value >> 8) & 0xff];
}
