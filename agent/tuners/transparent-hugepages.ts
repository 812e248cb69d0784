/** Transparent hugepages: the files of /sys/kernel/mm/transparent_hugepage (Documentation/admin-guide/mm/transhuge.rst). */
import type { TransparentHugepagesSettings } from '../../proto/wire/tuner-settings.js';
import { formatBytes } from '../../proto/wire/units.js';
import { readMeminfo } from '../kernel/procfs.js';
import type { KernelRoot } from '../kernel/root.js';
import type { Effect, HostView, Reading, Tuner, Want } from './tuner.js';

const name = 'transparent-hugepages';
const folder = '/sys/kernel/mm/transparent_hugepage';

/** File to the key of the profile, in the order in which they are written. */
const files = {
  enabled: 'enabled',
  defrag: 'defrag',
  'khugepaged/defrag': 'khugepaged_defrag',
  shmem_enabled: 'shmem_enabled',
  use_zero_page: 'use_zero_page',
  'khugepaged/pages_to_scan': 'khugepaged_pages_to_scan',
  'khugepaged/scan_sleep_millisecs': 'khugepaged_scan_sleep_millisecs',
  'khugepaged/alloc_sleep_millisecs': 'khugepaged_alloc_sleep_millisecs',
  'khugepaged/max_ptes_none': 'khugepaged_max_ptes_none',
  'khugepaged/max_ptes_swap': 'khugepaged_max_ptes_swap',
  'khugepaged/max_ptes_shared': 'khugepaged_max_ptes_shared',
} as const satisfies Record<string, keyof TransparentHugepagesSettings>;

type File = keyof typeof files;

/** A reading that knows which values the kernel offers; undefined: a number. */
interface ChoiceReading extends Reading {
  readonly choices?: readonly string[];
}

export const transparentHugepages: Tuner<typeof name> = {
  name,

  async observe({ kernel }) {
    return (Object.keys(files) as File[]).map((file) => observeFile(kernel, file));
  },

  want(settings, readings, host) {
    return (readings as readonly ChoiceReading[]).flatMap((reading) => wantFile(settings, reading, host));
  },

  async write({ kernel }, knob, value) {
    await kernel.write(knob.source, value);
  },
};

function observeFile(kernel: KernelRoot, file: File): ChoiceReading {
  const knob = { tuner: name, setting: file, source: `${folder}/${file}` } as const;
  const text = kernel.read(knob.source);
  if (text === undefined)
    return {
      knob,
      unsupported: kernel.exists(folder)
        ? `this kernel has no ${file}`
        : 'this kernel has no transparent hugepages',
    };
  const chosen = /\[([^\]]+)\]/.exec(text)?.[1];
  const shown = evidence(kernel, file);
  return {
    ...{ knob, value: chosen ?? text },
    ...(shown !== undefined && { evidence: shown }),
    ...(chosen !== undefined && { choices: text.replaceAll(/[[\]]/g, '').split(/\s+/) }),
  };
}

/** What shows on the whole host that huge pages are made. */
function evidence(kernel: KernelRoot, file: File): string | undefined {
  if (file === 'khugepaged/defrag') {
    const collapsed = kernel.read(`${folder}/khugepaged/pages_collapsed`);
    return collapsed === undefined ? undefined : `khugepaged made ${collapsed} huge pages since boot`;
  }
  const field = { enabled: 'AnonHugePages', shmem_enabled: 'ShmemHugePages' }[file as string];
  const bytes = field === undefined ? undefined : readMeminfo(kernel)?.get(field);
  return bytes === undefined ? undefined : `${field}: ${formatBytes(bytes)}`;
}

function wantFile(
  settings: TransparentHugepagesSettings,
  { knob, choices }: ChoiceReading,
  host: HostView,
): Want[] {
  const setting = settings[files[knob.setting as File]];
  if (setting === undefined) return [];
  const value = typeof setting === 'boolean' ? String(Number(setting)) : String(setting);
  const lacking =
    choices && !choices.includes(value) ? { unsupported: `this kernel offers ${choices.join(', ')}` } : {};
  return [{ knob, value, ...felt(knob.setting, host), ...lacking }];
}

/** `enabled` decides at the page fault of new memory: what a running guest has touched stays as it is until it restarts. */
function felt(setting: string, host: HostView): { effect: Effect; affects: string[] } {
  const names = setting === 'enabled' ? host.domains.map((domain) => domain.name) : [];
  return { effect: names.length > 0 ? 'domain-restart' : 'now', affects: names };
}
