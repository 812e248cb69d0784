/** Tells systemd how the service stands: sd_notify(3), and the watchdog of sd_watchdog_enabled(3). */
import koffi from 'koffi';

export interface Notifier {
  /** True when systemd listens: the library is there and NOTIFY_SOCKET is set. */
  readonly active: boolean;
  /** How often the watchdog is fed; undefined: the unit has none. */
  readonly watchdogMs: number | undefined;
  /** The service is up. Starts feeding the watchdog, from a timer: when JavaScript hangs, the feeding ends and systemd acts. */
  ready(status: string): void;
  /** One line for `systemctl status`. */
  status(status: string): void;
  /** The service is about to end. Stops feeding. */
  stopping(): void;
}

/** The two functions of libsystemd.so.0 that are used. Both are synchronous and only send one datagram or read variables. */
interface Systemd {
  /** Above 0: sent. 0: no NOTIFY_SOCKET. Below 0: an errno, which is not acted on, since nobody could be told. */
  notify(unsetEnvironment: 0, state: string): number;
  /** Above 0: the watchdog wants to hear from this process, within the µs that it wrote. */
  watchdog(unsetEnvironment: 0, intervalUs: [number]): number;
}

/**
 * A notifier by libsystemd, which reads NOTIFY_SOCKET, WATCHDOG_USEC and WATCHDOG_PID itself. Without library or socket
 * every method does nothing. `file` is an argument for tests.
 */
export function notifier(file = 'libsystemd.so.0'): Notifier {
  const systemd = loadSystemd(file);
  const send = (state: string) => systemd?.notify(0, state) ?? 0;
  const watchdogMs = readWatchdogMs(systemd);
  let feeding: NodeJS.Timeout | undefined;
  return {
    active: send('') > 0,
    watchdogMs,
    ready: (status) => {
      send(`READY=1\nSTATUS=${oneLine(status)}`);
      if (watchdogMs === undefined || feeding) return;
      send('WATCHDOG=1');
      feeding = setInterval(() => send('WATCHDOG=1'), watchdogMs).unref();
    },
    status: (status) => void send(`STATUS=${oneLine(status)}`),
    stopping: () => {
      send('STOPPING=1');
      clearInterval(feeding);
      feeding = undefined;
    },
  };
}

function loadSystemd(file: string): Systemd | undefined {
  try {
    const library = koffi.load(file);
    return {
      notify: library.func('sd_notify', 'int', ['int', 'str']) as unknown as Systemd['notify'],
      watchdog: library.func('sd_watchdog_enabled', 'int', [
        'int',
        koffi.out('uint64_t *'),
      ]) as unknown as Systemd['watchdog'],
    };
  } catch {
    return undefined; // not a systemd machine
  }
}

/** Half of what systemd waits, as sd_watchdog_enabled(3) advises. */
function readWatchdogMs(systemd: Systemd | undefined): number | undefined {
  const intervalUs: [number] = [0];
  return systemd && systemd.watchdog(0, intervalUs) > 0
    ? Math.max(1, Math.floor(intervalUs[0] / 2_000))
    : undefined;
}

/** A newline would start another assignment. */
function oneLine(text: string): string {
  return text.replaceAll(/[\r\n\0]+/g, ' ');
}
