/** Which flavor extra specs count for a domain: the allocation's, its own XML's, those of its QoS class. Pure. */
import type { QosClassesSettings } from '../../proto/tuners/qos-classes.js';
import type { DomainView } from '../libvirt/hypervisor.js';
import type { HostView } from '../tuners/tuner.js';

/** What an allocation says of a domain. */
export interface AllocatedSpecs {
  readonly id: string;
  readonly extraSpecs: Readonly<Record<string, string>>;
}

/** Extra spec that names the QoS class, for clouds that have flavors and no metadata of Drover's. */
const classSpec = 'drover:qos_class';

/** The domain with its allocation's extra specs; the allocation goes before what the XML says, spec by spec. */
export function withAllocation(view: DomainView, allocation: AllocatedSpecs | undefined): DomainView {
  if (!allocation) return view;
  const { id, extraSpecs } = allocation;
  const told = Object.keys(extraSpecs).length > 0;
  return {
    ...view,
    allocationId: view.allocationId === '' ? id : view.allocationId,
    specs: { ...view.specs, ...extraSpecs },
    specSource: told ? 'allocation' : view.specSource,
  };
}

/** The domain with the specs of its class behind its own. A class that the profile does not have gives none. */
export function withClass(view: DomainView, settings: QosClassesSettings | undefined): DomainView {
  if (!settings) return view;
  const name = view.specs[classSpec] ?? (view.qosClass === '' ? settings.default : view.qosClass);
  const specs = name === undefined ? undefined : settings.classes[name];
  if (!specs) return view;
  const specSource = view.specSource === '' ? 'class' : view.specSource;
  return { ...view, qosClass: name as string, specs: { ...specs, ...view.specs }, specSource };
}

/** The host as tuners see it: with the settings in force, and domains with the specs of their classes. */
export function dressed(host: HostView, settings: NonNullable<HostView['settings']>): HostView {
  const classes = settings['qos-classes'];
  return { ...host, settings, domains: host.domains.map((view) => withClass(view, classes)) };
}
