/** What limits a network device, as tc(8) shows it: tc-htb(8) on the way out of the host's device, a policer on the way in. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

const run = promisify(execFile);

export interface HtbClass {
  readonly rateBitsSec: number;
  readonly ceilBitsSec: number;
}

/** Absent: the device has no such limit. On a tap, what the device sends is what the guest receives. */
export interface DeviceLimits {
  /** Class 1:1, which libvirt and Open vSwitch make for all traffic. */
  readonly htb?: HtbClass;
  readonly policeBitsSec?: number;
}

/** Asks for one device; `fault`: it could not be seen, and why. Never throws. */
export type AskTraffic = (device: string) => Promise<DeviceLimits | { readonly fault: string }>;

const deadlineMs = 3_000;
/** A device has some lines; more is not read. */
const maximumOutputBytes = 256 * 1024;

/**
 * Asks tc, by two runs of it. `command` is the program with what stands before its own words. A name that is no plain
 * device name is a fault: nothing but names may reach the program.
 */
export function askTc(command: readonly string[] = ['tc']): AskTraffic {
  const [program = 'tc', ...before] = command;
  const limits = { timeout: deadlineMs, killSignal: 'SIGKILL', maxBuffer: maximumOutputBytes } as const;
  const tc = async (...words: string[]) => (await run(program, [...before, ...words], limits)).stdout;
  return async (device) => {
    if (!/^[A-Za-z0-9_][A-Za-z0-9._-]{0,14}$/.test(device)) return { fault: `${device} is no device name` };
    try {
      const [classes, filters] = await Promise.all([
        tc('class', 'show', 'dev', device),
        tc('filter', 'show', 'dev', device, 'parent', 'ffff:'),
      ]);
      return parseLimits(classes, filters);
    } catch (thrown) {
      const { code, stderr, message } = thrown as { code?: unknown; stderr?: string; message: string };
      if (code === 'ENOENT') return { fault: `${program} is not installed` };
      return { fault: `tc ${device}: ${stderr?.trim().split('\n')[0] || message.slice(0, 120)}` };
    }
  };
}

/** The words of `tc class show` and `tc filter show … parent ffff:`, in bits a second. Pure. */
export function parseLimits(classes: string, filters: string): DeviceLimits {
  const own = classes.split('\n').find((line) => line.startsWith('class htb 1:1 '));
  const rate = own && bitsAfter(own, 'rate');
  const ceil = own && bitsAfter(own, 'ceil');
  const police = /\bpolice\b/.test(filters)
    ? bitsAfter(filters.slice(filters.search(/\bpolice\b/)), 'rate')
    : undefined;
  return {
    ...(rate && ceil && { htb: { rateBitsSec: rate, ceilBitsSec: ceil } }),
    ...(police !== undefined && { policeBitsSec: police }),
  };
}

const prefixes: Readonly<Record<string, number>> = { '': 1, K: 1e3, M: 1e6, G: 1e9, T: 1e12 };

function bitsAfter(text: string, word: string): number | undefined {
  const found = new RegExp(`\\b${word} ([\\d.]+)([KMGT]?)bit`).exec(text);
  return found ? Number(found[1]) * (prefixes[found[2] as string] as number) : undefined;
}
