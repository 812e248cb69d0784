/** Networks near NUMA cells. Nova `hardware._numa_cells_support_network_metadata`. Pure. */
import type { HostCell, NetworkMetadata } from '../../model/host-numa.js';

/**
 * Whether the chosen cells are near the networks asked for. A network that no cell of the host is near asks nothing; tunnels
 * near one of the chosen cells settle all that is left.
 */
export function supportsNetworks(
  host: readonly HostCell[],
  chosen: readonly HostCell[],
  { physnets, tunneled }: NetworkMetadata,
): boolean {
  const isFar = (name: string) =>
    !chosen.some(({ network }) => network.physnets.includes(name)) &&
    host.some(({ network }) => network.physnets.includes(name));
  if (physnets.some(isFar)) return false;
  const isTunneled = ({ network }: HostCell) => network.tunneled;
  return !tunneled || chosen.some(isTunneled) || !host.some(isTunneled);
}
