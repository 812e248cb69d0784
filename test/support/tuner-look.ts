/** One tuner of the host by itself, over any kernel root: look, ask, write, look again. */
import type { KernelRoot } from '../../agent/kernel/root.js';
import { MemoryRoot, type WriteRule } from '../../agent/sim/memory-root.js';
import type { HostView, Reading, Tuner, TunerPorts, Want } from '../../agent/tuners/tuner.js';
import type { TunerName, TunerSettings } from '../../proto/wire/tuner-settings.js';

const facts = {
  ...{ cpu: null, memory: null, numaCells: [], hugepages: [], blockDevices: [], cgroup: null, versions: {} },
  ...{
    ksm: {},
    transparentHugepages: {},
    services: {},
    virtualization: '',
    inventory: {},
    diskTotalBytes: 0,
  },
  warnings: [],
  passthrough: null,
};

/** A view of a host with these settings and domains of so much memory. */
export function view(
  settings: TunerSettings = {},
  memoryBytes: readonly number[] = [],
  huge = false,
): HostView {
  const domains = memoryBytes.map(
    (bytes, index) => ({ name: `vm${index}`, memoryBytes: bytes, hugepages: huge }) as never,
  );
  return { facts, domains, settings };
}

/** A kernel with a clock that stands, or the given one. */
export const ports = (kernel: KernelRoot, monotonicMs = () => 0): TunerPorts => ({
  kernel,
  hypervisor: undefined,
  monotonicMs,
});

/** What settings ask for after a look. */
export async function wants<Name extends TunerName>(
  tuner: Tuner<Name>,
  kernel: KernelRoot,
  settings: NonNullable<TunerSettings[Name]>,
  host: HostView = view({ [tuner.name]: settings }),
): Promise<Want[]> {
  return tuner.want(settings as never, await tuner.observe(ports(kernel), host), host);
}

/** `knob=value` of each want. */
export const asked = (list: readonly Want[]): string[] =>
  list.map(({ knob, value }) => `${knob.setting}=${value}`);

/** Writes a value by the knob's name and answers the reading after it. */
export async function write(
  tuner: Tuner,
  kernel: KernelRoot,
  setting: string,
  value: string,
  host = view(),
): Promise<Reading | undefined> {
  const find = async () =>
    (await tuner.observe(ports(kernel), host)).find(({ knob }) => knob.setting === setting);
  const knob = (await find())?.knob;
  if (!knob) throw new Error(`no knob ${setting}`);
  await tuner.write(ports(kernel), knob, value);
  return find();
}

/** A kernel in memory with these files. */
export function tree(files: Record<string, string | number>, rule?: WriteRule): MemoryRoot {
  const root = new MemoryRoot('memory', rule);
  for (const [file, value] of Object.entries(files)) root.put(file, `${value}`);
  return root;
}
