/** D-Bus behind one function: with bus-connection.ts the only file that knows dbus-next (docs/adr/0004-dbus-next.md). */
import dbus from 'dbus-next';
import { DroverError } from '../../proto/wire/errors.js';

/** Where the system bus listens on every Linux distribution (D-Bus specification, "Well-known Message Bus Instances"). */
export const systemBusAddress = 'unix:path=/run/dbus/system_bus_socket';

export interface BusCall {
  readonly destination: string;
  readonly path: string;
  readonly interface: string;
  readonly member: string;
  /** D-Bus signature of `body`; empty: no arguments. */
  readonly signature?: string;
  readonly body?: unknown[];
}

export interface BusOptions {
  /** D-Bus address; the system bus. */
  readonly address?: string;
  /** Bound of the call, connecting included; 3,000. */
  readonly timeoutMs?: number;
}

/**
 * Makes one method call on a connection of its own and answers the reply's arguments. A connection for each call costs some
 * milliseconds and leaves nothing behind: dbus-next keeps the handler of an unanswered call as long as its connection.
 * Errors: `unavailable` (no bus, or nobody has the name), `deadline-exceeded`, `permission-denied`, `unsupported` (no such
 * object or method), `internal` with the service's own error.
 */
export async function callBus(call: BusCall, options: BusOptions = {}): Promise<unknown[]> {
  const { address = systemBusAddress, timeoutMs = 3_000 } = options;
  const label = `${call.interface}.${call.member} of ${call.destination}`;
  const { signature = '', body = [] } = call;
  let bus: dbus.MessageBus | undefined;
  let timer: NodeJS.Timeout | undefined;
  try {
    return await new Promise<unknown[]>((resolve, reject) => {
      timer = setTimeout(
        () => reject(new DroverError('deadline-exceeded', `${label}: no answer in ${timeoutMs} ms`)),
        timeoutMs,
      );
      bus = dbus.sessionBus({ busAddress: address });
      // Also after the answer: without a listener a late socket error would end the process.
      bus.on('error', (error) => reject(asBusError(label, error)));
      bus
        .call(new dbus.Message({ ...call, signature, body }))
        .then((reply) => resolve(reply?.body ?? []), reject);
    });
  } catch (thrown) {
    throw asBusError(label, thrown);
  } finally {
    clearTimeout(timer);
    bus?.disconnect();
  }
}

/** D-Bus's names for: nobody owns the name and nobody could be started for it. */
const nobody = /\.(ServiceUnknown|NameHasNoOwner|NoServer|Disconnected|Spawn\.\w+)$/;
const noSuchThing = /\.(UnknownObject|UnknownInterface|UnknownMethod)$/;

/** What went wrong, by the bus's or the socket's name for it. */
export function asBusError(label: string, thrown: unknown): DroverError {
  if (thrown instanceof DroverError) return thrown;
  const { message, type, code } = thrown as { message?: string; type?: string; code?: string };
  const name = type ?? '';
  // A system error of the socket, such as ENOENT or ECONNREFUSED: there is no bus.
  const kind =
    code !== undefined || nobody.test(name)
      ? 'unavailable'
      : noSuchThing.test(name)
        ? 'unsupported'
        : name.endsWith('.AccessDenied')
          ? 'permission-denied'
          : 'internal';
  return new DroverError(kind, `${label}: ${message ?? String(thrown)}`, {
    field: 'D-Bus',
    value: name || (code ?? ''),
    cause: thrown,
  });
}

/** A value of a D-Bus variant with its signature, such as `t` for a 64-bit number (D-Bus specification, "Variant"). */
export function variant(signature: string, value: unknown): unknown {
  return new dbus.Variant(signature, value);
}
