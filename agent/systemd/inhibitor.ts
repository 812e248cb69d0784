/** logind's delay lock: while it is held, a shutdown waits, at most InhibitDelayMaxSec (org.freedesktop.login1(5), Inhibit). */
import { closeSync } from 'node:fs';
import { constants } from 'node:os';
import { DroverError, type ErrorCode } from '../../proto/wire/errors.js';
import { systemBusAddress, type BusOptions } from './bus.js';
import { logindObject } from './logind.js';
import { descriptorType, openSdBus, stringType, type SdBus } from './sd-bus.js';

export interface DelayLock {
  /** The open file that is the lock: it ends with its last copy, thus also with the process. */
  readonly descriptor: number;
  /** Lets the shutdown go on. A second time does nothing. */
  release(): void;
}

export interface LockOptions extends BusOptions {
  /** What `systemd-inhibit --list` shows. */
  readonly who: string;
  readonly why: string;
  /** For tests. */
  readonly library?: string;
}

/** Answers how to take the lock: `takeDelayLock()`. Errors of loading: `unavailable`. */
export function inhibitor(options: LockOptions): () => Promise<DelayLock> {
  let isAsking = false;
  let systemd: SdBus | undefined;
  return async () => {
    // A bus that accepts and says nothing holds a thread of libuv's pool until libsystemd gives up; never a second one.
    if (isAsking) throw new DroverError('resource-exhausted', 'an earlier question for the lock still waits');
    systemd ??= openSdBus(options.library);
    isAsking = true;
    const answer = inhibit(systemd, options).finally(() => (isAsking = false));
    return lockOf(await withinTime(answer, options.timeoutMs ?? 3_000));
  };
}

/**
 * Takes the delay lock for shutdown once. The event loop only builds and reads messages; libsystemd's waiting is done on
 * libuv's pool, within `timeoutMs` (3,000). Errors: `unavailable` (no library, bus or logind), `deadline-exceeded`,
 * `permission-denied`, `failed-precondition` (the shutdown has begun).
 */
export function takeDelayLock(options: LockOptions): Promise<DelayLock> {
  return inhibitor(options)();
}

function lockOf(descriptor: number): DelayLock {
  let isHeld = true;
  return {
    descriptor,
    release: () => {
      if (isHeld) closeSync(descriptor);
      isHeld = false;
    },
  };
}

/** A descriptor that comes after the deadline is given back: nobody would know of it. */
async function withinTime(answer: Promise<number>, timeoutMs: number): Promise<number> {
  let timer: NodeJS.Timeout | undefined;
  let isLate = false;
  const deadline = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      isLate = true;
      reject(new DroverError('deadline-exceeded', `Inhibit of logind: no answer in ${timeoutMs} ms`));
    }, timeoutMs);
  });
  answer.then(
    (descriptor) => isLate && closeSync(descriptor),
    () => undefined,
  );
  try {
    return await Promise.race([answer, deadline]);
  } finally {
    clearTimeout(timer);
  }
}

/** A connection of its own, closed at the end: the lock is the descriptor and does not need it. */
async function inhibit(systemd: SdBus, options: LockOptions): Promise<number> {
  const { address = systemBusAddress } = options;
  const created: [bigint | null] = [null];
  check('open a connection', systemd.create(created));
  const bus = created[0] as bigint;
  try {
    check('set its address', systemd.setAddress(bus, address));
    check('set its kind', systemd.setBusClient(bus, 1));
    check(`connect to ${address}`, await systemd.start(bus));
    return await ask(systemd, bus, options);
  } finally {
    systemd.closeUnref(bus);
  }
}

async function ask(systemd: SdBus, bus: bigint, options: LockOptions): Promise<number> {
  const { timeoutMs = 3_000, who, why } = options;
  const { destination, path, interface: from } = logindObject;
  const made: [bigint | null] = [null];
  check('make a message', systemd.newMethodCall(bus, made, destination, path, from, 'Inhibit'));
  const message = made[0] as bigint;
  const answered: [bigint | null] = [null];
  try {
    for (const text of ['shutdown', who, why, 'delay'])
      check('write a message', systemd.appendString(message, stringType, text));
    check('Inhibit of logind', await systemd.call(bus, message, timeoutMs * 1_000, null, answered));
    return descriptorOf(systemd, answered[0] as bigint);
  } finally {
    systemd.unrefMessage(message);
    if (answered[0] !== null) systemd.unrefMessage(answered[0]);
  }
}

/** The message closes its descriptor when it goes, so a copy is taken. */
function descriptorOf(systemd: SdBus, reply: bigint): number {
  const told: [number] = [-1];
  check('read the answer of Inhibit', systemd.readDescriptor(reply, descriptorType, told));
  const descriptor = systemd.duplicate(told[0]);
  if (descriptor < 0) throw new DroverError('unavailable', 'no file descriptor is left for the delay lock');
  return descriptor;
}

const codes: Readonly<Record<string, ErrorCode>> = {
  EACCES: 'permission-denied',
  EPERM: 'permission-denied',
  ETIMEDOUT: 'deadline-exceeded',
  // org.freedesktop.login1.OperationInProgress: a lock for a shutdown that has begun is refused.
  EINPROGRESS: 'failed-precondition',
};

function check(what: string, result: number): void {
  if (result >= 0) return;
  const [name] = Object.entries(constants.errno).find(([, value]) => value === -result) ?? [
    `errno ${-result}`,
  ];
  throw new DroverError(codes[name] ?? 'unavailable', `${what}: ${name}`, { field: 'logind', value: name });
}
