/**
 * libsystemd's D-Bus, as far as one call takes whose answer carries a file descriptor (sd-bus(3)). dbus-next cannot receive
 * one: docs/adr/0004-dbus-next.md. A connection is used by one thread at a time: each call is awaited before the next.
 */
import koffi from 'koffi';
import type { LibraryHandle } from 'koffi';
import { DroverError } from '../../proto/wire/errors.js';

/** An address in the C heap. */
type Pointer = bigint;

const pointer = 'void *';

/** Functions answer 0 or more, or an errno below 0. Those that return a promise may wait for the bus, on a thread of libuv's pool. */
export interface SdBus {
  create(bus: [Pointer | null]): number;
  setAddress(bus: Pointer, address: string): number;
  setBusClient(bus: Pointer, isClient: 1): number;
  start(bus: Pointer): Promise<number>;
  closeUnref(bus: Pointer): unknown;
  newMethodCall(
    bus: Pointer,
    message: [Pointer | null],
    destination: string,
    path: string,
    from: string,
    member: string,
  ): number;
  appendString(message: Pointer, type: typeof stringType, value: string): number;
  call(
    bus: Pointer,
    message: Pointer,
    timeoutUs: number,
    error: null,
    reply: [Pointer | null],
  ): Promise<number>;
  readDescriptor(message: Pointer, type: typeof descriptorType, descriptor: [number]): number;
  unrefMessage(message: Pointer): unknown;
  /** A copy of a descriptor that programs which are started do not get; fcntl(2), F_DUPFD_CLOEXEC. Below 0: none. */
  duplicate(descriptor: number): number;
}

/** D-Bus's letters of types, as C characters. */
export const stringType = 115; // s
export const descriptorType = 104; // h

/** F_DUPFD_CLOEXEC of fcntl(2), and the lowest number that the copy may have. */
const duplicateCommand = 1030;
const lowestDescriptor = 3;

/** Loads libsystemd.so.0. Errors: `unavailable`. `file` is an argument for tests. */
export function openSdBus(file = 'libsystemd.so.0'): SdBus {
  try {
    return declare(koffi.load(file), koffi.load('libc.so.6'));
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    const cure = 'the package libsystemd0 (Debian, Ubuntu) or systemd-libs (Fedora)';
    throw new DroverError('unavailable', `load ${file}: ${reason}`, { field: 'libsystemd', cure, cause });
  }
}

function declare(systemd: LibraryHandle, libc: LibraryHandle): SdBus {
  const outPointer = koffi.out(koffi.pointer(pointer));
  const now = <Name extends keyof SdBus>(name: string, result: string, args: unknown[]) =>
    systemd.func(name, result, args as string[]) as unknown as SdBus[Name];
  const fcntl = libc.func('int fcntl(int, int, ...)') as unknown as (
    descriptor: number,
    command: number,
    type: 'int',
    value: number,
  ) => number;
  return {
    create: now<'create'>('sd_bus_new', 'int', [outPointer]),
    setAddress: now<'setAddress'>('sd_bus_set_address', 'int', [pointer, 'str']),
    setBusClient: now<'setBusClient'>('sd_bus_set_bus_client', 'int', [pointer, 'int']),
    start: onPool(systemd.func('sd_bus_start', 'int', [pointer])),
    closeUnref: now<'closeUnref'>('sd_bus_close_unref', pointer, [pointer]),
    newMethodCall: now<'newMethodCall'>('sd_bus_message_new_method_call', 'int', [
      pointer,
      outPointer,
      'str',
      'str',
      'str',
      'str',
    ] as unknown[]),
    appendString: now<'appendString'>('sd_bus_message_append_basic', 'int', [pointer, 'char', 'str']),
    call: onPool(
      systemd.func('sd_bus_call', 'int', [pointer, pointer, 'uint64_t', pointer, outPointer] as string[]),
    ),
    readDescriptor: now<'readDescriptor'>('sd_bus_message_read_basic', 'int', [
      pointer,
      'char',
      koffi.out('int *'),
    ]),
    unrefMessage: now<'unrefMessage'>('sd_bus_message_unref', pointer, [pointer]),
    duplicate: (descriptor) => fcntl(descriptor, duplicateCommand, 'int', lowestDescriptor),
  };
}

function onPool<Args extends unknown[], Result>(foreign: unknown): (...args: Args) => Promise<Result> {
  const start = (foreign as { async: (...args: unknown[]) => void }).async;
  return (...args) =>
    new Promise((resolve, reject) => {
      start(...args, (error: Error | null, result: Result) => (error ? reject(error) : resolve(result)));
    });
}
