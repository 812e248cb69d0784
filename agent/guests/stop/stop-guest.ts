/** A guest that is to be stopped, and the longest that its stop takes. Pure. */
import type { GuestSettings } from '../../../proto/wire/guest-settings.js';
import type { DomainView } from '../../libvirt/hypervisor.js';
import type { Guest } from '../guest.js';
import { guestOf } from '../policy.js';

export interface StopGuest extends Guest {
  /** What a managed save has to write at most. */
  readonly memoryBytes: number;
}

/**
 * Longest that one asking is waited for. libvirt gives the power button in milliseconds; the guest agent's way can take
 * seconds (libvirt first waits 5 s for the agent, virDomainShutdownFlags), and is not stood in line for.
 */
export const askingMs = 2_000;

/** What one way to ask costs at the worst: the wait, and a look whether libvirt answers otherwise. */
export const askingAllowanceMs = 2_500;

/**
 * Longest that a power-off takes: virDomainDestroy sends SIGTERM, after 10 s SIGKILL (libvirt's virProcessKillPainfully), and
 * then clears up. A QEMU whose storage hangs can outlive this.
 */
export const powerOffMs = 15_000;

/**
 * What the disk for images writes at least; 100 MB/s is one spinning disk. Guests that are saved at once share it. Pages that
 * hold nothing are not written.
 */
export const saveBytesPerSecond = 100e6;

/** Opening and closing of a save, whatever its size. */
const saveFloorMs = 10_000;

/** The active domains as guests to stop. */
export function activeGuests(domains: readonly DomainView[], settings: GuestSettings): StopGuest[] {
  return domains
    .filter(({ id }) => id >= 0)
    .map((domain) => ({ ...guestOf(domain, settings), memoryBytes: domain.memoryBytes }));
}

/**
 * Deadline of a managed save while `sharers` guests at most are saved at once, itself among them; in milliseconds. What is
 * not saved by then is powered off.
 */
export function saveMs({ memoryBytes }: Pick<StopGuest, 'memoryBytes'>, sharers: number): number {
  return saveFloorMs + Math.ceil(((memoryBytes * sharers) / saveBytesPerSecond) * 1000);
}

/** How many of a wave's guests may be saved at once: at least 1. */
export function sharersOf(wave: readonly Pick<StopGuest, 'policy'>[], parallel: number): number {
  const savers = wave.filter(({ policy }) => policy.then === 'managed-save').length;
  return Math.max(1, Math.min(parallel, savers));
}

/** From the first try to ask until the guest is off or left, at the worst, as long as libvirt answers: in milliseconds. */
export function worstMs(guest: StopGuest, sharers: number): number {
  const { ask, graceMs, then } = guest.policy;
  const savingMs = then === 'managed-save' ? saveMs(guest, sharers) : 0;
  return ask.length * askingAllowanceMs + graceMs + savingMs + (then === 'leave' ? 0 : powerOffMs);
}
