/** Whether the host goes down at all, for a command that systemd runs when it stops a unit. */
import { DroverError } from '../../proto/wire/errors.js';
import type { BusOptions } from './bus.js';
import { logindObject, readProperty } from './logind.js';
import { managerObject } from './units.js';

export interface GoingDown {
  readonly goesDown: boolean;
  /** Who says so, in words. */
  readonly evidence: string;
}

/**
 * True when systemd's SystemState is `stopping` (a job for shutdown.target is queued or done, however it was asked for), or
 * logind prepares a shutdown. A stop of one unit, by hand or by a package, is neither. Source: org.freedesktop.systemd1(5),
 * org.freedesktop.login1(5). Errors: those of `callBus` when systemd does not answer; nobody knows then.
 */
export async function isGoingDown(options: BusOptions = {}): Promise<GoingDown> {
  const state = await readProperty(managerObject, 'SystemState', options);
  if (state === 'stopping') return { goesDown: true, evidence: 'systemd says stopping' };
  const prepares = await readProperty(logindObject, 'PreparingForShutdown', options).catch(
    (thrown: unknown) => {
      if (thrown instanceof DroverError) return false;
      throw thrown;
    },
  );
  return prepares === true
    ? { goesDown: true, evidence: 'logind prepares a shutdown' }
    : { goesDown: false, evidence: `systemd says ${String(state)}, and logind prepares no shutdown` };
}
