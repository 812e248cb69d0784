/** The reconciler of the real machine, with one domain in view, so that tests never touch what is not theirs. */
import type { Hypervisor } from '../../agent/libvirt/hypervisor.js';
import { gatherFacts } from '../../agent/facts/index.js';
import { bootId } from '../../agent/kernel/procfs.js';
import { HostRoot } from '../../agent/kernel/root.js';
import { openHypervisor } from '../../agent/libvirt/open-hypervisor.js';
import { Ledger } from '../../agent/reconcile/ledger.js';
import { Reconciler } from '../../agent/reconcile/reconciler.js';
import { tuners } from '../../agent/tuners/index.js';
import { systemUri } from './boot-domain.js';

export interface RealHost {
  readonly kernel: HostRoot;
  readonly ledger: Ledger;
  readonly reconciler: Reconciler;
  readonly hypervisor: Hypervisor | undefined;
  close(): Promise<void>;
}

const log = { info: () => undefined, warn: () => undefined };

/** `domain`: the only one in view; absent: no hypervisor at all. `wrap` may stand between the tuners and the hypervisor. */
export async function openRealHost(
  state: string,
  domain?: string,
  wrap: (hypervisor: Hypervisor) => Hypervisor = (same) => same,
): Promise<RealHost> {
  const kernel = new HostRoot('/');
  const opened =
    domain === undefined
      ? undefined
      : await openHypervisor({ uri: systemUri, pidDirectory: '/run/libvirt/qemu' });
  const hypervisor = opened && wrap(opened);
  const ledger = await Ledger.open(state, { bootId: bootId(kernel) ?? '', now: Date.now });
  const hostView = async () => ({
    facts: gatherFacts(kernel, { versions: {}, services: {}, inventory: {}, diskTotalBytes: 0 }),
    domains: ((await opened?.domains()) ?? []).filter(({ name, id }) => name === domain && id >= 0),
  });
  const reconciler = new Reconciler({
    tuners,
    ports: { kernel, hypervisor },
    ledger,
    hostView,
    planOnly: false,
    now: Date.now,
    log,
  });
  const close = async (): Promise<void> => {
    await opened?.close();
    await ledger.close();
  };
  return { kernel, ledger, reconciler, hypervisor, close };
}
