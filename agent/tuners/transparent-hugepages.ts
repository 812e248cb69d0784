/** Transparent hugepages: the files of /sys/kernel/mm/transparent_hugepage (Documentation/admin-guide/mm/transhuge.rst). */
import type { TransparentHugepagesSettings } from '../../proto/wire/tuner-settings.js';
import type { KernelRoot } from '../kernel/root.js';
import type { Effect, HostView, Reading, Tuner, Want } from './tuner.js';

const name = 'transparent-hugepages';
const folder = '/sys/kernel/mm/transparent_hugepage';

/** A reading that knows which values the kernel offers; undefined: a number. */
interface ChoiceReading extends Reading {
  readonly choices?: readonly string[];
}

export const transparentHugepages: Tuner<typeof name> = {
  name,
  description: {
    summary: 'huge pages for memory that did not ask for them',
    writes: ['enabled', 'defrag', 'khugepaged/defrag'].map((file) => `${folder}/${file}`),
    source: 'Documentation/admin-guide/mm/transhuge.rst (Linux 2.6.38; defer 4.6, defer+madvise 4.11)',
  },

  async observe({ kernel }) {
    return ['enabled', 'defrag', 'khugepaged/defrag'].map((file) => observeFile(kernel, file));
  },

  want(settings, readings, host) {
    return (readings as readonly ChoiceReading[]).flatMap((reading) => wantFile(settings, reading, host));
  },

  async write({ kernel }, knob, value) {
    await kernel.write(knob.source, value);
  },
};

function observeFile(kernel: KernelRoot, file: string): ChoiceReading {
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
  return chosen === undefined
    ? { knob, value: text }
    : { knob, value: chosen, choices: text.replaceAll(/[[\]]/g, '').split(/\s+/) };
}

function wantFile(
  settings: TransparentHugepagesSettings,
  { knob, choices }: ChoiceReading,
  host: HostView,
): Want[] {
  const value = valueOf(settings, knob.setting);
  if (value === undefined) return [];
  const lacking =
    choices && !choices.includes(value) ? { unsupported: `this kernel offers ${choices.join(', ')}` } : {};
  return [{ knob, value, ...felt(knob.setting, host), ...lacking }];
}

function valueOf(settings: TransparentHugepagesSettings, setting: string): string | undefined {
  if (setting === 'enabled') return settings.enabled;
  if (setting === 'defrag') return settings.defrag;
  return settings.khugepaged_defrag === undefined ? undefined : settings.khugepaged_defrag ? '1' : '0';
}

/** `enabled` decides at the page fault of new memory: what a running guest has touched stays as it is until it restarts. */
function felt(setting: string, host: HostView): { effect: Effect; affects: string[] } {
  const names = setting === 'enabled' ? host.domains.map((domain) => domain.name) : [];
  return { effect: names.length > 0 ? 'domain-restart' : 'now', affects: names };
}
