/**
 * Hears from logind that the host goes down: PrepareForShutdown (org.freedesktop.login1(5)), on one connection that stays
 * and is made anew when it ends.
 *
 * Whether logind really said it is looked at twice: a match rule by its name, and the sender of each signal against the
 * owner of that name, for anybody may send a signal to one connection alone. The property PreparingForShutdown is read with
 * each connection and each new logind, so a signal that was missed meanwhile is made up for.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { asDroverError, DroverError } from '../../proto/wire/errors.js';
import type { BusOptions } from './bus.js';
import { busObject, connectBus, type BusConnection, type BusSignal } from './bus-connection.js';
import { logindName, logindObject, propertyCall, propertyValue } from './logind.js';

export interface ShutdownWatchOptions extends BusOptions {
  /** The host goes down (true), or does not after all (false). Called when it changes; false is where it begins. */
  onShutdown(goesDown: boolean): void;
  /** A logind is there that was not before: with the first connection, and after each restart of it. */
  onLogind(): void;
  /** No connection, or no logind; in words. Tried again. */
  onLost(reason: string): void;
  /** Between two questions whether the bus still answers; 30,000. */
  readonly askEveryMs?: number;
  /** Pauses before a new connection double from the first to the last; 500 and 30,000. */
  readonly firstPauseMs?: number;
  readonly longestPauseMs?: number;
}

export interface ShutdownWatch {
  /** What logind said last. */
  readonly goesDown: boolean;
  /** A bus and a logind answer. */
  readonly isListening: boolean;
  stop(): Promise<void>;
}

const rules = [
  `type='signal',sender='${logindName}',interface='${logindObject.interface}',member='PrepareForShutdown'`,
  `type='signal',sender='${busObject.destination}',interface='${busObject.interface}',member='NameOwnerChanged',arg0='${logindName}'`,
];

/** Watches until `stop`. Never throws: what fails is told to `onLost` and tried again. */
export function watchShutdown(options: ShutdownWatchOptions): ShutdownWatch {
  const watch = new Watch(options);
  const done = watch.run();
  return {
    get goesDown() {
      return watch.goesDown;
    },
    get isListening() {
      return watch.owner !== undefined;
    },
    stop: async () => {
      watch.end.abort();
      await done;
    },
  };
}

class Watch {
  goesDown = false;
  /** Unique name of logind; undefined: none, or no connection. */
  owner: string | undefined;
  readonly end = new AbortController();
  readonly #options: ShutdownWatchOptions;

  constructor(options: ShutdownWatchOptions) {
    this.#options = options;
  }

  async run(): Promise<void> {
    const { firstPauseMs = 500, longestPauseMs = 30_000, onLost } = this.#options;
    let pauseMs = firstPauseMs;
    while (!this.end.signal.aborted) {
      const reason = await this.#listen(() => (pauseMs = firstPauseMs));
      this.owner = undefined;
      if (this.end.signal.aborted) return;
      onLost(reason);
      await sleep(pauseMs, undefined, { signal: this.end.signal, ref: false }).catch(() => undefined);
      pauseMs = Math.min(2 * pauseMs, longestPauseMs);
    }
  }

  /** One connection, from its start to its end; answers why it ended. */
  async #listen(onConnected: () => void): Promise<string> {
    let lose: (reason: string) => void = () => undefined;
    const lost = new Promise<string>((resolve) => (lose = resolve));
    let connection: BusConnection | undefined;
    const closed = () => lose('stopped');
    this.end.signal.addEventListener('abort', closed, { once: true });
    try {
      connection = await connectBus({
        ...this.#options,
        onSignal: (signal) => connection && this.#hear(signal, connection, lose),
        onLost: lose,
      });
      // Rules first: what happens from here on is heard, what was before is read.
      for (const rule of rules)
        await connection.call({ ...busObject, member: 'AddMatch', signature: 's', body: [rule] });
      await this.#meet(connection, await ownerOf(connection));
      onConnected();
      return await this.#stayAwake(connection, lost);
    } catch (thrown) {
      return asDroverError(thrown).message;
    } finally {
      this.end.signal.removeEventListener('abort', closed);
      connection?.close();
    }
  }

  /** Asks now and then whether the bus is there: a bus that hangs closes nothing. */
  async #stayAwake(connection: BusConnection, lost: Promise<string>): Promise<string> {
    const { askEveryMs = 30_000 } = this.#options;
    const asking = setInterval(() => {
      connection.call({ ...busObject, member: 'GetId' }).catch(() => undefined); // it ends the connection
    }, askEveryMs).unref();
    try {
      return await lost;
    } finally {
      clearInterval(asking);
    }
  }

  #hear(signal: BusSignal, connection: BusConnection, lose: (reason: string) => void): void {
    const { sender, member, body } = signal;
    if (sender === busObject.destination && member === 'NameOwnerChanged' && body[0] === logindName)
      this.#meet(connection, body[2] as string).catch((thrown: unknown) =>
        lose(asDroverError(thrown).message),
      );
    const isLogind = this.owner !== undefined && sender === this.owner;
    if (isLogind && signal.interface === logindObject.interface && member === 'PrepareForShutdown')
      this.#say(body[0] === true);
  }

  /** A logind that is there now; an empty name: it went. */
  async #meet(connection: BusConnection, owner: string): Promise<void> {
    this.owner = owner === '' ? undefined : owner;
    if (this.owner === undefined) return this.#options.onLost('logind is not on the bus');
    // By its unique name: the question must not start another one.
    const object = { ...logindObject, destination: owner };
    const goesDown = propertyValue(await connection.call(propertyCall(object, 'PreparingForShutdown')));
    if (this.owner !== owner) return;
    this.#options.onLogind();
    this.#say(goesDown === true);
  }

  #say(goesDown: boolean): void {
    if (goesDown === this.goesDown || this.end.signal.aborted) return;
    this.goesDown = goesDown;
    this.#options.onShutdown(goesDown);
  }
}

async function ownerOf(connection: BusConnection): Promise<string> {
  try {
    const [owner] = await connection.call({
      ...busObject,
      member: 'GetNameOwner',
      signature: 's',
      body: [logindName],
    });
    return owner as string;
  } catch (thrown) {
    if (thrown instanceof DroverError && thrown.value?.endsWith('.NameHasNoOwner')) return '';
    throw thrown;
  }
}
