/** What becomes of a guest whose grace is over: saved, powered off, or left as told. */
import type { GuestPower } from '../../libvirt/hypervisor.js';
import type { Clock } from './clock.js';
import type { GoneWatch } from './gone-watch.js';
import type { Progress } from './progress.js';
import { powerOffMs, saveMs, type StopGuest } from './stop-guest.js';
import { within } from './within.js';

/** Between two tries to power off, when libvirt did not do it. */
const tryAgainMs = 1_000;

export interface LastResortPorts {
  readonly power: Pick<GuestPower, 'managedSave' | 'powerOff'>;
  readonly clock: Clock;
  readonly watch: Pick<GoneWatch, 'tell' | 'mayComeBack'>;
  readonly progress: Pick<Progress, 'set'>;
  /** Guests that are saved at once, at most. */
  readonly sharers: number;
  /** Aborted when the guest is gone, or the stop is cancelled. */
  readonly ended: AbortSignal;
}

/** A managed save, within what is left of its time since `sinceMs`. Answers why it failed; undefined: saved, or ended. */
export async function save(
  guest: StopGuest,
  sinceMs: number,
  ports: LastResortPorts,
): Promise<string | undefined> {
  const { power, clock, watch, progress, ended } = ports;
  progress.set(guest, 'saving', 'its grace is over', sinceMs);
  const limitMs = Math.floor(sinceMs + saveMs(guest, ports.sharers) - clock.now()); // libvirt's deadline is a whole number
  if (limitMs < 1) return 'not saved in time';
  const call = () => power.managedSave(keyOf(guest), limitMs);
  const outcome = await within(call, limitMs, clock, ended);
  if (ended.aborted) return undefined;
  if (outcome.kind === 'late') return 'not saved in time';
  if (outcome.kind === 'failed' && outcome.error.code !== 'not-found')
    return `not saved: ${outcome.error.message}`;
  watch.tell(guest, outcome.kind === 'done' ? 'saved' : '');
  return undefined;
}

/** Off, tried again until `powerOffMs` have passed, or longer while libvirt is silent; then the guest has failed. */
export async function powerOff(guest: StopGuest, why: string, ports: LastResortPorts): Promise<void> {
  const { clock, watch, progress, ended } = ports;
  const endMs = clock.now() + powerOffMs;
  progress.set(guest, 'powering-off', why);
  let fault = 'no answer';
  while (!ended.aborted && (clock.now() < endMs || watch.mayComeBack)) {
    const outcome = await within(() => ports.power.powerOff(keyOf(guest)), endMs - clock.now(), clock, ended);
    if (outcome.kind === 'done' || (outcome.kind === 'failed' && outcome.error.code === 'not-found'))
      return watch.tell(guest, 'powered off');
    if (outcome.kind === 'failed') fault = outcome.error.message;
    const leftMs = watch.mayComeBack ? tryAgainMs : Math.max(0, endMs - clock.now());
    await clock.sleep(Math.min(tryAgainMs, leftMs), ended);
  }
  if (!ended.aborted)
    progress.set(guest, 'failed', `not off ${powerOffMs / 1000} s after the end of its grace: ${fault}`);
}

function keyOf({ uuid, id }: StopGuest): { uuid: string; id: number } {
  return { uuid, id };
}
