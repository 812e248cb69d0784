/** What the rest of the agent knows of a domain from its XML alone, and how that looks where the XML says nothing. */
import type { DomainView, ExplicitSettings } from './hypervisor.js';

/** The part of a `DomainView` that comes from the XML. */
export type XmlPart = Pick<
  DomainView,
  | 'disks'
  | 'explicit'
  | 'allocationId'
  | 'qosClass'
  | 'specs'
  | 'specSource'
  | 'isNovas'
  | 'interfaces'
  | 'pciAddresses'
  | 'ioThreads'
  | 'numaMemory'
  | 'hugepages'
  | 'guest'
>;

/** A definition without any tuning of its own. */
export const noExplicit: ExplicitSettings = {
  vcpuPins: [],
  emulatorPin: false,
  vcpuBandwidth: false,
  cpuShares: false,
  blockDevices: [],
  blockWeight: false,
  ioThreadPins: [],
  numaMemory: false,
  diskThrottles: [],
  interfaceBandwidths: [],
};

/** A domain whose XML has neither devices nor tuning nor metadata. */
export const emptyXmlPart: XmlPart = {
  disks: [],
  explicit: noExplicit,
  allocationId: '',
  qosClass: '',
  specs: {},
  specSource: '',
  isNovas: false,
  interfaces: [],
  pciAddresses: [],
  ioThreads: [],
  hugepages: false,
  guest: {},
};

/** Stands for XML that could not be read: to the safe side, so that no tuner writes over a setting it cannot see. */
export function unknownXmlPart(vcpus: number): XmlPart {
  const vcpuPins = Array.from({ length: vcpus }, (_, index) => index);
  const everything = { emulatorPin: true, vcpuBandwidth: true, cpuShares: true };
  return {
    ...emptyXmlPart,
    explicit: { ...noExplicit, ...everything, vcpuPins, blockWeight: true, numaMemory: true },
  };
}
