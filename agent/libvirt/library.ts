/**
 * libvirt.so.0 as typed functions: the only file with koffi declarations for libvirt. docs/adr/0002-koffi.md says why.
 *
 * - Functions that may talk to libvirtd are asynchronous: each takes one thread of libuv's pool until libvirt answers,
 *   and none of them has a time limit of its own. The bounds are kept in `call-queue.ts`.
 * - Synchronous ones touch memory of this process only and take no lock that is held during I/O.
 * - libvirt calls back on the thread that runs the event loop, or on the thread of the failing call. koffi hands the call
 *   to the JavaScript thread and libvirt's thread waits for it. So JavaScript must never wait for libvirt synchronously.
 * - When libvirtd restarts, pointers stay valid memory until they are freed, and calls on them fail at once.
 */
import koffi from 'koffi';
import type { LibraryHandle, TypeObject } from 'koffi';
import { DroverError } from '../../proto/wire/errors.js';

/** An address in the C heap. Null from libvirt becomes null. */
export type Pointer = bigint;
type Async<Args extends unknown[], Result> = (...args: Args) => Promise<Result>;
type Params = [list: Pointer | null];

/** `virDomainInfo`. Memory in KiB. */
export interface RawDomainInfo {
  state: number;
  maxMem: number;
  memory: number;
  nrVirtCpu: number;
}

/** virTypedParameterType, as far as they come with events: LLONG, ULLONG, STRING. */
const wholeNumbers = { wide: 3, wideUnsigned: 4 } as const;
const texts = 7;

interface RawParameter {
  readonly field: string;
  readonly type: number;
  readonly value: number | bigint | string | null;
}

interface RawStatsRecord {
  readonly domain: Pointer;
  readonly parameters: Pointer;
  readonly count: number;
}

export interface LibvirtError {
  /** virErrorNumber. */
  readonly code: number;
  readonly message: string;
}

/** virErrorNumber values that Drover tells apart (libvirt/virterror.h). */
export const errorNumbers = {
  noSupport: 3,
  noDomain: 42,
  invalidOperation: 55,
  unsupportedOperation: 84,
} as const;

// Types carry libvirt's names: koffi 3.3.4 numbers nameless ones, and a struct and a callback can get the same number.
const pointer = 'void *';
const error = koffi.struct('virErrorHead', { code: 'int', domain: 'int', message: 'str' }); // as much of virError as is read
const info = koffi.struct('virDomainInfo', {
  state: 'uchar',
  maxMem: 'ulong',
  memory: 'ulong',
  nrVirtCpu: 'ushort',
  cpuTime: 'uint64',
});
// One pair of a record of virConnectGetAllDomainStats, as much of virTypedParameter as a state takes: 96 bytes in all.
const parameterHead = { field: koffi.array('char', 80), type: 'int', unused: 'int' };
const intParameter = koffi.struct('virTypedParameterInt', { ...parameterHead, value: 'int', rest: 'int' });
const wideParameter = koffi.struct('virTypedParameterWide', { ...parameterHead, value: 'int64' });
const textParameter = koffi.struct('virTypedParameterText', { ...parameterHead, value: 'str' });
const statsRecord = koffi.struct('virDomainStatsRecord', {
  domain: pointer,
  parameters: pointer,
  count: 'int',
});
const errorCallback = koffi.pointer(koffi.proto('virErrorFunc', 'void', [pointer, pointer]));
const closeCallback = koffi.pointer(koffi.proto('virConnectCloseFunc', 'void', [pointer, 'int', pointer]));
const lifecycleCallback = koffi.pointer(
  koffi.proto('virConnectDomainEventCallback', 'int', [pointer, pointer, 'int', 'int', pointer]),
);
// Every other domain event starts with (connection, domain); the rest is not read, which the C calling convention allows.
const domainCallback = koffi.pointer(koffi.proto('virConnectDomainEventHead', 'void', [pointer, pointer]));
const tunableCallback = koffi.pointer(
  koffi.proto('virConnectDomainEventTunableCallback', 'void', [pointer, pointer, pointer, 'int', pointer]),
);
const timerCallback = koffi.pointer(koffi.proto('virEventTimeoutCallback', 'void', ['int', pointer]));

export type LibvirtLibrary = ReturnType<typeof declare>;

/**
 * Loads libvirt.so.0. Errors: `unavailable` that says what to install. `file` is an argument for tests.
 */
export function openLibrary(file = 'libvirt.so.0'): LibvirtLibrary {
  try {
    const library = declare(koffi.load(file), koffi.load('libc.so.6'));
    // Before the first connection: libvirt keeps the first event implementation and ignores every later one.
    library.registerEventLoop();
    return library;
  } catch (cause) {
    const cure = 'the package libvirt0 (Debian, Ubuntu) or libvirt-libs (Fedora)';
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new DroverError('unavailable', `load ${file}: ${reason}; install ${cure}`, {
      field: 'libvirt',
      value: file,
      cure,
      cause,
    });
  }
}

function declare(libvirt: LibraryHandle, libc: LibraryHandle) {
  const sync = <Args extends unknown[], Result>(name: string, result: TypeObject | string, args: unknown[]) =>
    libvirt.func(name, result, args as string[]) as unknown as (...args: Args) => Result;
  const later = <Args extends unknown[], Result>(
    name: string,
    result: TypeObject | string,
    args: unknown[],
  ) => onPool<Args, Result>(libvirt.func(name, result, args as string[]));
  const outPointer = koffi.out(koffi.pointer(pointer));
  const outLong = koffi.out(koffi.pointer('ulong'));
  const outInt = koffi.out(koffi.pointer('int'));
  const inoutPointer = koffi.inout(koffi.pointer(pointer));
  const inoutInt = koffi.inout(koffi.pointer('int'));
  const free = libc.func('void free(void *)') as unknown as (memory: Pointer) => void;
  // XML belongs to the caller: koffi copies it into a JavaScript string and frees it with libc's free.
  const ownedString = koffi.disposable('str', free);
  const paramArgs = [inoutPointer, inoutInt, inoutInt, 'str'];

  return {
    // Event loop. Process-wide in libvirt itself. Callbacks run inside runEventLoopOnce, thus on a pool thread.
    registerEventLoop: sync<[], number>('virEventRegisterDefaultImpl', 'int', []),
    runEventLoopOnce: later<[], number>('virEventRunDefaultImpl', 'int', []),
    addTimer: sync<[everyMs: number, Pointer, null, null], number>('virEventAddTimeout', 'int', [
      'int',
      timerCallback,
      pointer,
      pointer,
    ]),
    updateTimer: sync<[timer: number, everyMs: number], void>('virEventUpdateTimeout', 'void', [
      'int',
      'int',
    ]),
    removeTimer: sync<[timer: number], number>('virEventRemoveTimeout', 'int', ['int']),

    // Connections. The pointer is ours until close; registered callbacks hold references too, so they go first.
    open: later<[uri: string], Pointer | null>('virConnectOpen', pointer, ['str']),
    close: later<[Pointer], number>('virConnectClose', 'int', [pointer]),
    isAlive: later<[Pointer], number>('virConnectIsAlive', 'int', [pointer]),
    setKeepAlive: later<[Pointer, intervalS: number, count: number], number>(
      'virConnectSetKeepAlive',
      'int',
      [pointer, 'int', 'uint'],
    ),
    libraryVersion: later<[Pointer, [number]], number>('virConnectGetLibVersion', 'int', [pointer, outLong]),
    hypervisorVersion: later<[Pointer, [number]], number>('virConnectGetVersion', 'int', [pointer, outLong]),
    /** A static string of the driver: not ours to free. */
    hypervisorType: later<[Pointer], string | null>('virConnectGetType', 'str', [pointer]),
    registerClose: later<[Pointer, Pointer, null, null], number>('virConnectRegisterCloseCallback', 'int', [
      pointer,
      closeCallback,
      pointer,
      pointer,
    ]),
    unregisterClose: later<[Pointer, Pointer], number>('virConnectUnregisterCloseCallback', 'int', [
      pointer,
      closeCallback,
    ]),

    // Errors. Both only set a field; the callback gets libvirt's own error, valid during the callback only.
    setErrorHandler: sync<[null, Pointer], void>('virSetErrorFunc', 'void', [pointer, errorCallback]),
    setConnectionErrorHandler: sync<[Pointer, null, Pointer], void>('virConnSetErrorFunc', 'void', [
      pointer,
      pointer,
      errorCallback,
    ]),

    // Domains. Lookups and lists give a reference that we free; names are copied by koffi and stay libvirt's.
    /** Records of every domain in one call; the array and the domains in it go with `freeStats`. */
    allStats: later<[Pointer, stats: number, [Pointer | null], flags: number], number>(
      'virConnectGetAllDomainStats',
      'int',
      [pointer, 'uint', outPointer, 'uint'],
    ),
    freeStats: sync<[Pointer], void>('virDomainStatsRecordListFree', 'void', [pointer]),
    lookupByUuid: later<[Pointer, uuid: string], Pointer | null>('virDomainLookupByUUIDString', pointer, [
      pointer,
      'str',
    ]),
    domainName: sync<[Pointer], string>('virDomainGetName', 'str', [pointer]),
    domainUuid: sync<[Pointer, Buffer], number>('virDomainGetUUIDString', 'int', [pointer, pointer]),
    /** libvirt answers -1 as unsigned for a domain that is not active; `| 0` gives the sign back. */
    domainId: sync<[Pointer], number>('virDomainGetID', 'uint', [pointer]),
    /** Drops a reference. The connection has one of ours besides, so this never ends a connection. */
    freeDomain: sync<[Pointer], number>('virDomainFree', 'int', [pointer]),
    domainInfo: later<[Pointer, RawDomainInfo], number>('virDomainGetInfo', 'int', [
      pointer,
      koffi.out(koffi.pointer(info)),
    ]),
    domainXml: later<[Pointer, flags: number], string | null>('virDomainGetXMLDesc', ownedString, [
      pointer,
      'uint',
    ]),
    pinVcpu: later<[Pointer, vcpu: number, Buffer, bytes: number, flags: number], number>(
      'virDomainPinVcpuFlags',
      'int',
      [pointer, 'uint', pointer, 'int', 'uint'],
    ),
    pinEmulator: later<[Pointer, Buffer, bytes: number, flags: number], number>(
      'virDomainPinEmulator',
      'int',
      [pointer, pointer, 'int', 'uint'],
    ),
    pinIoThread: later<[Pointer, ioThread: number, Buffer, bytes: number, flags: number], number>(
      'virDomainPinIOThread',
      'int',
      [pointer, 'uint', pointer, 'int', 'uint'],
    ),
    setScheduler: later<[Pointer, Pointer, count: number, flags: number], number>(
      'virDomainSetSchedulerParametersFlags',
      'int',
      [pointer, pointer, 'int', 'uint'],
    ),
    setBlkio: later<[Pointer, Pointer, count: number, flags: number], number>(
      'virDomainSetBlkioParameters',
      'int',
      [pointer, pointer, 'int', 'uint'],
    ),
    setNuma: later<[Pointer, Pointer, count: number, flags: number], number>(
      'virDomainSetNumaParameters',
      'int',
      [pointer, pointer, 'int', 'uint'],
    ),
    setBlockTune: later<[Pointer, disk: string, Pointer, count: number, flags: number], number>(
      'virDomainSetBlockIoTune',
      'int',
      [pointer, 'str', pointer, 'int', 'uint'],
    ),
    setInterface: later<[Pointer, device: string, Pointer, count: number, flags: number], number>(
      'virDomainSetInterfaceParameters',
      'int',
      [pointer, 'str', pointer, 'int', 'uint'],
    ),
    /** The array is ours: room for `count` parameters on the way in, that many filled on the way out. */
    interfaceParameters: later<[Pointer, device: string, Buffer, [count: number], flags: number], number>(
      'virDomainGetInterfaceParameters',
      'int',
      [pointer, 'str', pointer, inoutInt, 'uint'],
    ),

    // Turning off and on. Save, create and a question to the guest agent take as long as the guest does.
    shutDown: later<[Pointer, flags: number], number>('virDomainShutdownFlags', 'int', [pointer, 'uint']),
    managedSave: later<[Pointer, flags: number], number>('virDomainManagedSave', 'int', [pointer, 'uint']),
    hasManagedSave: later<[Pointer, flags: number], number>('virDomainHasManagedSaveImage', 'int', [
      pointer,
      'uint',
    ]),
    destroy: later<[Pointer], number>('virDomainDestroy', 'int', [pointer]),
    suspend: later<[Pointer], number>('virDomainSuspend', 'int', [pointer]),
    resume: later<[Pointer], number>('virDomainResume', 'int', [pointer]),
    create: later<[Pointer], number>('virDomainCreate', 'int', [pointer]),
    isActive: later<[Pointer], number>('virDomainIsActive', 'int', [pointer]),
    isPersistent: later<[Pointer], number>('virDomainIsPersistent', 'int', [pointer]),
    /** The parameters are ours afterwards: `freeParams`. */
    jobStats: later<
      [Pointer, type: [number], list: [Pointer | null], count: [number], flags: number],
      number
    >('virDomainGetJobStats', 'int', [pointer, outInt, outPointer, outInt, 'uint']),

    // Domain events. The callback's domain pointer is libvirt's and lives as long as the callback.
    registerEvent: later<[Pointer, null, event: number, Pointer, null, null], number>(
      'virConnectDomainEventRegisterAny',
      'int',
      [pointer, pointer, 'int', pointer, pointer, pointer],
    ),
    deregisterEvent: later<[Pointer, id: number], number>('virConnectDomainEventDeregisterAny', 'int', [
      pointer,
      'int',
    ]),

    // Typed parameters: an array that libvirt allocates and grows, and that freeParams gives back.
    addUnsigned: sync<[Params, [number], [number], name: string, value: number], number>(
      'virTypedParamsAddULLong',
      'int',
      [...paramArgs, 'uint64'],
    ),
    addUnsigned32: sync<[Params, [number], [number], name: string, value: number], number>(
      'virTypedParamsAddUInt',
      'int',
      [...paramArgs, 'uint'],
    ),
    addSigned32: sync<[Params, [number], [number], name: string, value: number], number>(
      'virTypedParamsAddInt',
      'int',
      [...paramArgs, 'int'],
    ),
    addSigned: sync<[Params, [number], [number], name: string, value: number], number>(
      'virTypedParamsAddLLong',
      'int',
      [...paramArgs, 'int64'],
    ),
    addText: sync<[Params, [number], [number], name: string, value: string], number>(
      'virTypedParamsAddString',
      'int',
      [...paramArgs, 'str'],
    ),
    freeParams: sync<[Pointer, count: number], void>('virTypedParamsFree', 'void', [pointer, 'int']),

    /** Frees an array that libvirt allocated. */
    free,
    /** `count` pointers at an address. */
    pointersAt: (array: Pointer, count: number) => koffi.decode(array, pointer, count) as Pointer[],
    /** One record: its domain, and the value of the first parameter with this name, which must be an int. */
    statsAt: (record: Pointer, name: string): { domain: Pointer; value: number | undefined } => {
      const { domain, parameters, count } = koffi.decode(record, statsRecord) as RawStatsRecord;
      return { domain, value: intNamed(parameters, count, name) };
    },
    intNamed,
    /** What parameters say, each value as text; only while the memory is libvirt's to keep, thus in a callback. */
    parametersAt: (list: Pointer, count: number): [name: string, value: string][] =>
      Array.from({ length: count }, (_, index) => {
        const at = index * koffi.sizeof(wideParameter);
        const { field, type, value } = koffi.decode(list, at, wideParameter) as RawParameter;
        if (type === texts)
          return [field, `${(koffi.decode(list, at, textParameter) as RawParameter).value}`];
        return [
          field,
          type === wholeNumbers.wide || type === wholeNumbers.wideUnsigned ? `${value}` : `#${type}`,
        ];
      }),
    errorAt: (address: Pointer): LibvirtError => {
      const { code, message } = koffi.decode(address, error) as { code: number; message: string | null };
      return { code, message: message ?? `error ${code} without a message` };
    },
    // Functions that C may call. Each lives until `dropCallback`, which comes after libvirt has forgotten it.
    errorHandler: (run: (userData: unknown, error: Pointer) => void) => koffi.register(run, errorCallback),
    closeHandler: (run: (connection: Pointer, reason: number) => void) => koffi.register(run, closeCallback),
    lifecycleHandler: (run: (connection: Pointer, domain: Pointer, event: number, detail: number) => 0) =>
      koffi.register(run, lifecycleCallback),
    domainHandler: (run: (connection: Pointer, domain: Pointer) => void) =>
      koffi.register(run, domainCallback),
    tunableHandler: (run: (connection: Pointer, domain: Pointer, list: Pointer, count: number) => void) =>
      koffi.register(run, tunableCallback),
    timerHandler: (run: () => void) => koffi.register(run, timerCallback),
    dropCallback: (callback: Pointer) => koffi.unregister(callback),
  };
}

/** The value of the first of `count` parameters with this name, which must be an int; undefined: there is none. */
function intNamed(parameters: Pointer, count: number, name: string): number | undefined {
  if (count === 0) return undefined;
  const list = koffi.decode(parameters, intParameter, count) as { field: string; value: number }[];
  return list.find(({ field }) => field === name)?.value;
}

/** A foreign function as a promise. koffi keeps the arguments alive until the call returned. */
function onPool<Args extends unknown[], Result>(foreign: unknown): Async<Args, Result> {
  const start = (foreign as { async: (...args: unknown[]) => void }).async;
  return (...args) =>
    new Promise((resolve, reject) => {
      start(...args, (error: Error | null, result: Result) => (error ? reject(error) : resolve(result)));
    });
}
