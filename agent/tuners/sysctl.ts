/** Any sysctl by name. Kernel: Documentation/admin-guide/sysctl. */
import { maximumSysctls } from '../../proto/tuners/sysctl.js';
import { sysctlName, sysctlPath, sysctlValue } from '../../proto/tuners/sysctl-names.js';
import { DroverError } from '../../proto/wire/errors.js';
import type { KernelRoot } from '../kernel/root.js';
import { PerHost } from './common/per-host.js';
import { bootSettingOf, readBootSettings, type BootSetting } from './common/memory/sysctl-files.js';
import type { HostView, Knob, Reading, Tuner, Want } from './tuner.js';

const name = 'sysctl';

/** Most names in memory for a host: those in force, and as many that were before. */
export const maximumKnown = 4 * maximumSysctls;

/** A reading that knows which line of a file sets it at the next boot. */
interface SysctlReading extends Reading {
  readonly boot: BootSetting | undefined;
}

/**
 * The tuner. Which sysctls are its knobs the settings say, and the ledger for those that are no longer in them; names that
 * it once looked at it goes on looking at, so that they can be put back.
 */
export function createSysctl(): Tuner<typeof name> {
  const known = new PerHost(() => new Set<string>());
  return {
    name,
    async observe({ kernel }, host) {
      const paths = known.of(kernel);
      for (const path of namedPaths(host)) remember(paths, path);
      const boot = paths.size > 0 ? readBootSettings(kernel) : [];
      return [...paths].map((path) => observePath(kernel, path, boot));
    },
    want({ settings }, readings) {
      const byName = new Map((readings as readonly SysctlReading[]).map((each) => [each.knob.setting, each]));
      return Object.entries(settings).map(([key, value]) => {
        const knob = knobOf(sysctlPath(key));
        return wantValue(knob, sysctlValue(value), byName.get(knob.setting)?.boot);
      });
    },
    async write({ kernel }, knob, value) {
      const before = kernel.read(knob.source);
      await kernel.write(knob.source, text(value));
      const after = kernel.read(knob.source);
      if (after === undefined || sysctlValue(after) === value) return;
      if (before !== undefined) await kernel.write(knob.source, text(sysctlValue(before)));
      const message = `the kernel made ${sysctlValue(after)} of ${value} in ${knob.setting}; put back`;
      throw new DroverError('kernel-write-failed', message, { field: knob.source, value });
    },
  };
}

export const sysctl: Tuner<typeof name> = createSysctl();

/** An empty list is written as a line of nothing: no write at all would change nothing. */
function text(value: string): string {
  return value === '' ? '\n' : value;
}

/** Paths of the settings in force, and of knobs that the ledger holds. */
function namedPaths(host: HostView): string[] {
  const held = (host.held ?? []).filter(({ tuner }) => tuner === name);
  const wanted = Object.keys(host.settings?.sysctl?.settings ?? {});
  return [...held.map(({ setting }) => setting), ...wanted].map(sysctlPath);
}

function remember(paths: Set<string>, path: string): void {
  paths.delete(path);
  paths.add(path);
  const [oldest] = paths;
  if (paths.size > maximumKnown && oldest !== undefined) paths.delete(oldest);
}

function knobOf(path: string): Knob {
  return { tuner: name, setting: sysctlName(path), source: `/proc/sys/${path}` };
}

function observePath(kernel: KernelRoot, path: string, settings: readonly BootSetting[]): SysctlReading {
  const knob = knobOf(path);
  const boot = bootSettingOf(settings, path);
  const read = kernel.read(knob.source);
  if (read === undefined) {
    const unsupported = kernel.exists(knob.source) ? 'it cannot be read' : 'this kernel has no such sysctl';
    return { knob, unsupported, boot };
  }
  const value = sysctlValue(read);
  const differs = boot === undefined ? undefined : remarkOf(boot, value);
  return { knob, value, boot, ...(differs !== undefined && { evidence: differs }) };
}

/** What a file makes of the value at the next boot; undefined: the same. */
function remarkOf({ value, file, line }: BootSetting, wanted: string): string | undefined {
  return value === wanted ? undefined : `${file} line ${line} sets ${value} at the next boot`;
}

function wantValue(knob: Knob, value: string, boot: BootSetting | undefined): Want {
  const remark = boot === undefined ? undefined : remarkOf(boot, value);
  const want = { knob, value, effect: 'now', affects: [] } as const;
  return remark === undefined ? want : { ...want, remark };
}
