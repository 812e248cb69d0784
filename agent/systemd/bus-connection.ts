/** A D-Bus connection that stays, for signals: the other file, beside bus.ts, that knows dbus-next. */
import dbus from 'dbus-next';
import { DroverError } from '../../proto/wire/errors.js';
import { asBusError, systemBusAddress, type BusCall, type BusOptions } from './bus.js';

export interface BusSignal {
  /** Unique name of who sent it, as the bus itself writes it there: it cannot be forged. */
  readonly sender: string;
  readonly path: string;
  readonly interface: string;
  readonly member: string;
  readonly body: readonly unknown[];
}

export interface BusConnection {
  /** One call within the connection's time limit. An unanswered call ends the connection. Errors: those of `callBus`. */
  call(call: BusCall): Promise<unknown[]>;
  /** Ends it; `onLost` is not called. */
  close(): void;
}

export interface ConnectionOptions extends BusOptions {
  /** Signals that a match rule asked for, and those that somebody sent to this connection alone. */
  onSignal(signal: BusSignal): void;
  /** Once, when the connection has ended by itself. */
  onLost(reason: string): void;
}

/** Calls under way at once; a connection for signals has one or two. */
const mostCalls = 16;

/** What is used of dbus-next's inner connection: it tells of the socket's end, which the bus itself does not. */
interface InnerConnection {
  readonly _connection?: { on(event: 'end', handler: () => void): void };
}

/** Connects and waits for the bus's greeting. Errors: those of `callBus`. */
export async function connectBus(options: ConnectionOptions): Promise<BusConnection> {
  const { address = systemBusAddress, timeoutMs = 3_000, onSignal, onLost } = options;
  const bus = dbus.sessionBus({ busAddress: address });
  let isOver = false;
  let calls = 0;
  let fail: (error: unknown) => void = () => undefined;
  const ended = new Promise<never>((_, reject) => (fail = reject));
  ended.catch(() => undefined); // whoever waits gets it too
  const end = (thrown: unknown, isOurs = false): void => {
    if (isOver) return;
    isOver = true;
    const error = asBusError('the bus', thrown);
    fail(error);
    bus.disconnect();
    if (!isOurs) onLost(error.message);
  };
  bus.on('error', end);
  (bus as InnerConnection)._connection?.on('end', () => end(closedByBus()));
  bus.on('message', (message: dbus.Message) => {
    if (message.type === dbus.MessageType.SIGNAL && !isOver) onSignal(signalOf(message));
  });
  const call = async (request: BusCall): Promise<unknown[]> => {
    const label = `${request.interface}.${request.member} of ${request.destination}`;
    if (calls >= mostCalls) throw new DroverError('resource-exhausted', `${label}: ${mostCalls} calls wait`);
    calls++;
    const { signature = '', body = [] } = request;
    const timer = setTimeout(
      () => end(new DroverError('deadline-exceeded', `${label}: no answer in ${timeoutMs} ms`)),
      timeoutMs,
    );
    try {
      const answer = bus.call(new dbus.Message({ ...request, signature, body }));
      const reply = await Promise.race([answer, ended]);
      return (reply?.body ?? []) as unknown[];
    } catch (thrown) {
      throw asBusError(label, thrown);
    } finally {
      calls--;
      clearTimeout(timer);
    }
  };
  await call({ ...busObject, member: 'GetId' });
  return { call, close: () => end(closedByBus(), true) };
}

/** The bus itself as an object (D-Bus specification, "Message Bus Messages"). */
export const busObject = {
  destination: 'org.freedesktop.DBus',
  path: '/org/freedesktop/DBus',
  interface: 'org.freedesktop.DBus',
} as const;

function closedByBus(): DroverError {
  return new DroverError('unavailable', 'the connection to the bus has ended', { field: 'D-Bus' });
}

function signalOf({ sender, path, interface: from, member, body }: dbus.Message): BusSignal {
  return {
    sender: sender ?? '',
    path: path ?? '',
    interface: from ?? '',
    member: member ?? '',
    body: body ?? [],
  };
}
