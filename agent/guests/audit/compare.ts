/**
 * What each of four sources knows of the guests of a host, side by side: the control plane, libvirt, QEMU's processes and
 * their control groups, Open vSwitch's ports. Pure.
 */
import type { QemuProcess } from '../../kernel/qemu-processes.js';
import type { DomainView } from '../../libvirt/hypervisor.js';

/** What the control plane says of this host's domains. */
export interface Promised {
  /** It has told in the session that goes on now: only then does its silence say something. */
  readonly isTold: boolean;
  /** The set that was told last. */
  readonly generation: number;
  covers(domain: Pick<DomainView, 'uuid' | 'allocationId'>): boolean;
  /** An allocation stood for this domain since the agent knows the host. */
  everCovered(uuid: string): boolean;
  /** Allocations that stand for a domain that this host has had since the agent knows it. */
  readonly had: readonly { readonly uuid: string; readonly id: string }[];
}

/** A control group of a domain's start, without a process. */
export interface EmptyGroup {
  readonly directory: string;
  /** libvirt's id of the start that it was made for. */
  readonly id: number;
  /** What is left of the domain's name in the group's: libvirt leaves out and cuts. */
  readonly name: string;
}

export interface AuditSources {
  readonly promised: Promised;
  /** Of libvirt; undefined: it does not answer, and then nothing is found. */
  readonly domains: readonly DomainView[] | undefined;
  readonly processes: readonly QemuProcess[];
  /** Control groups of domains without a process in them. */
  readonly emptyGroups: readonly EmptyGroup[];
  /** Ports that carry a domain's UUID (external_ids:vm-id). */
  readonly ports: readonly { readonly port: string; readonly uuid: string }[];
}

export type SuspectKind = 'running-deleted' | 'ghost-process' | 'ghost-group' | 'lost-domain';

/** Something that not all sources agree about. */
export interface Suspect {
  readonly kind: SuspectKind;
  /** Stays the same from pass to pass, for this start of the domain or process. */
  readonly key: string;
  readonly uuid: string;
  readonly name: string;
  /** A text for each source that says something of it. */
  readonly evidence: readonly string[];
  /** Sources that show it running; two are asked for before anything is done. */
  readonly sources: number;
  readonly domain?: DomainView;
}

/** Every suspect, in the order of the kinds. */
export function suspectsOf(sources: AuditSources): Suspect[] {
  const { domains } = sources;
  if (!domains) return [];
  return [
    ...runningDeleted(sources, domains),
    ...ghostProcesses(sources, domains),
    ...ghostGroups(sources, domains),
    ...lostDomains(sources, domains),
  ];
}

/** Drover placed it once, it runs, and no allocation stands for it any more. Domains of others are nobody's business. */
function runningDeleted({ promised, ...sources }: AuditSources, domains: readonly DomainView[]): Suspect[] {
  if (!promised.isTold) return [];
  const gone = domains.filter(
    (domain) =>
      domain.id >= 0 &&
      domain.xmlUnknown === undefined && // or else nobody knows which allocation it names
      !promised.covers(domain) &&
      (domain.allocationId !== '' || promised.everCovered(domain.uuid)),
  );
  return gone.map((domain) => {
    const { uuid, name, id, state } = domain;
    const others = [...processWords(sources, uuid), ...portWords(sources, uuid)];
    const words = [
      `control plane: no allocation (generation ${promised.generation})`,
      `libvirt: ${state}, id ${id}`,
    ];
    const evidence = [...words, ...others];
    const isSeenTwice = sources.processes.some((process) => process.uuid === uuid);
    return {
      ...{ kind: 'running-deleted', key: `running-deleted ${uuid} ${id}`, uuid, name, evidence, domain },
      sources: isSeenTwice ? 2 : 1,
    };
  });
}

/** A QEMU that libvirt does not know to run: lost in a crash of libvirtd, or started by hand. */
function ghostProcesses(sources: AuditSources, domains: readonly DomainView[]): Suspect[] {
  const active = new Set(domains.filter(({ id }) => id >= 0).map(({ uuid }) => uuid));
  return sources.processes
    .filter(({ uuid }) => !active.has(uuid))
    .map(({ pid, uuid, name }) => {
      const known = domains.find((domain) => domain.uuid === uuid);
      const evidence = [
        `QEMU: process ${pid}`,
        known ? `libvirt: ${known.state}` : 'libvirt: no such domain',
        ...portWords(sources, uuid),
      ];
      return { kind: 'ghost-process', key: `ghost-process ${uuid} ${pid}`, uuid, name, evidence, sources: 1 };
    });
}

/** A control group without a process, of a domain that does not run: libvirt or machined did not get to remove it. */
function ghostGroups({ emptyGroups }: AuditSources, domains: readonly DomainView[]): Suspect[] {
  const active = new Map(domains.filter(({ id }) => id >= 0).map(({ id, name }) => [id, plain(name)]));
  return emptyGroups
    .filter(({ id, name }) => !active.get(id)?.startsWith(plain(name)))
    .map(({ directory, name }) => {
      const evidence = [`control groups: ${directory} has no process`, 'libvirt: does not run'];
      return { kind: 'ghost-group', key: `ghost-group ${directory}`, uuid: '', name, evidence, sources: 1 };
    });
}

/** It was here, an allocation still stands for it, and libvirt has no such domain any more, running or not. */
function lostDomains({ promised }: AuditSources, domains: readonly DomainView[]): Suspect[] {
  if (!promised.isTold) return [];
  const known = new Set(domains.map(({ uuid }) => uuid));
  return promised.had
    .filter(({ uuid }) => !known.has(uuid))
    .map(({ uuid, id }) => {
      const evidence = [`control plane: allocation ${id}`, 'libvirt: no such domain'];
      return { kind: 'lost-domain', key: `lost-domain ${uuid}`, uuid, name: '', evidence, sources: 1 };
    });
}

/** libvirt keeps letters, digits, hyphens and single dots of a name (virDomainMachineAppendEscapedName). */
function plain(name: string): string {
  return name.replaceAll(/[^A-Za-z0-9]/g, '');
}

function processWords({ processes }: Pick<AuditSources, 'processes'>, uuid: string): string[] {
  return processes.filter((process) => process.uuid === uuid).map(({ pid }) => `QEMU: process ${pid}`);
}

function portWords({ ports }: Pick<AuditSources, 'ports'>, uuid: string): string[] {
  const names = ports.filter((port) => port.uuid === uuid).map(({ port }) => port);
  return names.length === 0 ? [] : [`Open vSwitch: ${names.slice(0, 8).join(', ')}`];
}
