/** What a fact is: one look at one thing that the host is. */
import type { HostFacts } from '../../proto/gen/drover/v1/HostFacts.js';
import type { KernelRoot } from '../kernel/root.js';
import type { DeviceSpec } from './device-spec.js';

/** What the rest of the agent knows already and hands in; gathering itself reads files and nothing else. */
export interface HandedIn {
  /** qemu, libvirt, openvswitch, agent to version. */
  readonly versions: Record<string, string>;
  /** systemd unit to its ActiveState. */
  readonly services: Record<string, string>;
  readonly inventory: Record<string, string>;
  /** Size of the file system of the domain images. */
  readonly diskTotalBytes: number;
  /** PCI devices that guests may have; absent: none. */
  readonly passthrough?: readonly DeviceSpec[];
}

export interface Look {
  readonly root: KernelRoot;
  readonly more: HandedIn;
  /** Says what could not be read, and why. A thing that this kind of host simply does not have is no warning. */
  warn(message: string): void;
}

/** Gives its part of the host's facts. What cannot be read is left empty and warned of, never thrown. */
export interface Fact {
  readonly name: string;
  gather(look: Look): Partial<HostFacts>;
}
