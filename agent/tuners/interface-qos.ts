/**
 * Bandwidth of domain interfaces (libvirt: virDomainSetInterfaceParameters). Inbound is what the guest receives. Read from
 * libvirt; that it bites is read from the host's device by tc(8).
 */
import type { InterfaceQosSettings } from '../../proto/tuners/interface-qos.js';
import { asDroverError } from '../../proto/wire/errors.js';
import type { DomainInterface, DomainView, InterfaceBandwidth } from '../libvirt/hypervisor.js';
import { recalled } from '../kernel/derived.js';
import { domainObstacle, hypervisorOf, knobDomain } from './common/domain-knob.js';
import {
  directions,
  dropsPart,
  formatRate,
  keepFloor,
  parseRate,
  specRate,
  wantedRate,
  withoutLimits,
  type AskedRate,
  type Direction,
} from './common/network/interface-rate.js';
import { compareShaping } from './common/network/shaping-looks.js';
import type { KnobDomain, Reading, Tuner, TunerPorts, Want } from './tuner.js';

const name = 'interface-qos';

/** Interfaces that have no device of their own on the host, or one that carries no limit of libvirt's. */
const without: Readonly<Record<string, string>> = {
  vhostuser: 'a user-space switch serves it through shared memory: the host has no device to limit',
  direct: 'a macvtap device: it shares the queues of the physical one, and is not limited here',
  hostdev: 'a passed-through device: the host does not see its traffic',
  user: "QEMU's own user-mode network: the host has no device to limit",
};

/** Most calls that ask libvirt for an interface at once. */
const askedAtOnce = 8;

interface InterfaceReading extends Reading {
  readonly direction: Direction;
  readonly onOpenVswitch: boolean;
}

export const interfaceQos: Tuner<typeof name> = {
  name,
  ofDomains: true,

  async observe(ports, { domains }) {
    const all = domains.flatMap((view) => view.interfaces.map((each) => ({ view, each })));
    const read: InterfaceReading[][] = [];
    const queue = all.entries();
    const work = async (): Promise<void> => {
      for (const [index, { view, each }] of queue) read[index] = await observeInterface(ports, view, each);
    };
    await Promise.all(Array.from({ length: askedAtOnce }, work));
    return read.flat();
  },

  want(settings, readings, host) {
    const views = new Map(host.domains.map((view) => [view.uuid, view]));
    return (readings as readonly InterfaceReading[]).flatMap((reading) => {
      const view = views.get(reading.knob.domain?.uuid ?? '');
      return view ? wantDirection(settings, reading, view) : [];
    });
  },

  /** One direction; libvirt keeps the other. Nothing else writes this domain meanwhile. */
  async write(ports, knob, value) {
    const hypervisor = hypervisorOf(ports);
    const domain = knob.domain as KnobDomain;
    const [direction, mac] = knob.setting.split(' ') as [Direction, string];
    const next = parseRate(value);
    const now = await hypervisor.interfaceBandwidth(domain, mac);
    // libvirt 9 only adds to Open vSwitch's rows: an old peak or burst would stay in force unless all is taken away first.
    if (dropsPart(now[direction], next))
      await hypervisor.setInterfaceBandwidth(domain, mac, { [direction]: withoutLimits(now[direction]) });
    await hypervisor.setInterfaceBandwidth(domain, mac, { [direction]: next ?? null });
  },
};

async function observeInterface(
  ports: TunerPorts,
  view: DomainView,
  each: DomainInterface,
): Promise<InterfaceReading[]> {
  const domain = recalled(ports.kernel, `domain of ${view.uuid}`, [view], (kernel) =>
    knobDomain(kernel, view),
  );
  const obstacle = domainObstacle(ports, domain, view) ?? interfaceObstacle(each);
  const found = obstacle ?? (await ask(ports, domain, each.mac));
  const seen = typeof found === 'string' ? {} : await shapingOf(ports, domain, each, found);
  const inputs = [view, domain, found, JSON.stringify(seen), obstacle];
  return recalled(ports.kernel, `${name} ${view.uuid} ${each.mac}`, inputs, () =>
    directions.map((direction) => readingOf(domain, view, each, { direction, found, seen })),
  );
}

interface Found {
  readonly direction: Direction;
  readonly found: InterfaceBandwidth | string;
  readonly seen: Seen;
}

function readingOf(
  domain: KnobDomain,
  view: DomainView,
  each: DomainInterface,
  { direction, found, seen }: Found,
): InterfaceReading {
  return {
    knob: {
      tuner: name,
      setting: `${direction} ${each.mac}`,
      domain,
      source: `virDomainGetInterfaceParameters ${each.target || each.mac}`,
    },
    ...(typeof found === 'string' ? { unsupported: found } : { value: formatRate(found[direction]) }),
    ...seen[direction],
    explicit: view.explicit.interfaceBandwidths.includes(each.mac),
    direction,
    onOpenVswitch: each.virtualPort === 'openvswitch',
  };
}

function interfaceObstacle({ type, target }: DomainInterface): string | undefined {
  return without[type] ?? (target === '' ? 'the interface has no device on the host' : undefined);
}

/** What libvirt holds, or in words why it cannot be had. */
async function ask(ports: TunerPorts, domain: KnobDomain, mac: string): Promise<InterfaceBandwidth | string> {
  try {
    return await hypervisorOf(ports).interfaceBandwidth(domain, mac);
  } catch (thrown) {
    return `libvirt does not tell: ${asDroverError(thrown).message}`;
  }
}

type Seen = Partial<Record<Direction, Pick<Reading, 'evidence' | 'ineffective'>>>;

/** What the host's device shows of both directions; nothing where none is limited or nobody can look. */
async function shapingOf(
  { shaping }: TunerPorts,
  domain: KnobDomain,
  { mac, target }: DomainInterface,
  bandwidth: InterfaceBandwidth,
): Promise<Seen> {
  const limited = directions.filter((direction) => (bandwidth[direction]?.averageKilobytesSec ?? 0) > 0);
  if (!shaping || limited.length === 0) return {};
  const limits = directions.map((direction) => formatRate(bandwidth[direction])).join(', ');
  const answer = await shaping.look(`${domain.uuid}@${domain.incarnation} ${mac}`, target, limits);
  if (answer === undefined) return {};
  return Object.fromEntries(
    limited.flatMap((direction) => {
      const rate = bandwidth[direction];
      const seen = rate && compareShaping(target, direction, rate, answer);
      return seen ? [[direction, seen]] : [];
    }),
  ) as Seen;
}

function wantDirection(settings: InterfaceQosSettings, reading: InterfaceReading, view: DomainView): Want[] {
  const { knob, direction, onOpenVswitch } = reading;
  const spec = specRate(view, direction);
  const base = { knob, effect: 'now', affects: [], override: settings.override_explicit ?? false } as const;
  if (spec && 'fault' in spec) return [{ ...base, value: 'unknown', held: spec.fault }];
  const asked: AskedRate | undefined = spec ?? settings[direction];
  if (asked === undefined) return [];
  const value = wantedRate(asked, direction, onOpenVswitch);
  const remark = remarkOn(asked, value, direction, onOpenVswitch);
  return [{ ...base, value: keepFloor(value, reading.value), ...(remark !== undefined && { remark }) }];
}

function remarkOn(
  { average, peak = 0, burst }: AskedRate,
  value: string,
  direction: Direction,
  onOpenVswitch: boolean,
): string | undefined {
  if (average === 0) return undefined;
  if (direction === 'outbound')
    return burst === undefined ? `burst sized to the rate: ${value.split(' ').at(-1)} kilobytes` : undefined;
  if (!onOpenVswitch) return undefined;
  if (peak === 0) return 'peak is the average: Open vSwitch limits at the peak only';
  return peak > average ? 'Open vSwitch lets the guest receive at the peak all the time' : undefined;
}
