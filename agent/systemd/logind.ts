/** logind on the bus: its names, and its properties (org.freedesktop.login1(5)). */
import { callBus, type BusCall, type BusOptions } from './bus.js';

export const logindName = 'org.freedesktop.login1';

export const logindObject = {
  destination: logindName,
  path: '/org/freedesktop/login1',
  interface: 'org.freedesktop.login1.Manager',
} as const;

/** A call that reads a property of any object (D-Bus specification, "org.freedesktop.DBus.Properties"). */
export function propertyCall(
  object: { readonly destination: string; readonly path: string; readonly interface: string },
  property: string,
): BusCall {
  return {
    destination: object.destination,
    path: object.path,
    interface: 'org.freedesktop.DBus.Properties',
    member: 'Get',
    signature: 'ss',
    body: [object.interface, property],
  };
}

/** The value inside the variant that Properties.Get answers. */
export function propertyValue(reply: readonly unknown[]): unknown {
  return (reply[0] as { value: unknown }).value;
}

/** Reads one property on a connection of its own. Errors: those of `callBus`. */
export async function readProperty(
  object: { readonly destination: string; readonly path: string; readonly interface: string },
  property: string,
  options: BusOptions = {},
): Promise<unknown> {
  return propertyValue(await callBus(propertyCall(object, property), options));
}
