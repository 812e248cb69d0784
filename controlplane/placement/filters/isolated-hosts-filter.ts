import { hasBit } from '../../fleet/registry-columns.js';
import { rowsOfHosts } from '../requirements/row-sets.js';
import { asksNothing, type Filter, type PreparedFilter } from './filter.js';

/**
 * Isolated images run on isolated hosts only; with `restrict_isolated_hosts_to_isolated_images` nothing else runs there.
 * Without isolated images that restriction alone is left. Nova `isolated_hosts_filter.py`.
 */
export const isolatedHostsFilter: Filter = {
  name: 'IsolatedHostsFilter',
  reasons: ['host-isolated', 'host-not-isolated'],
  isOncePerRequest: true,
  prepare: ({ image }, columns, settings) => {
    const { isolatedImages, isolatedHosts, restrictIsolatedHostsToIsolatedImages } = settings;
    const isIsolated = image !== null && isolatedImages.includes(image.id);
    if (!isIsolated && !restrictIsolatedHostsToIsolatedImages) return asksNothing;
    if (!isIsolated && isolatedHosts.length === 0) return asksNothing;
    const isolated = rowsOfHosts(columns, isolatedHosts);
    const tests: Pick<PreparedFilter, 'within' | 'without'> = isIsolated
      ? { within: [isolated] }
      : { without: [isolated] };
    const imageWords = image?.id ? `image ${image.id}` : 'a server without an image';
    return {
      ...tests,
      reasonOf: (row) => (hasBit(isolated, row) ? 0 : 1),
      wordsOf: (row) => ({
        observed: hasBit(isolated, row) ? 'a host of isolated_hosts' : 'not a host of isolated_hosts',
        wanted: isIsolated
          ? `a host of isolated_hosts, for ${imageWords} of isolated_images`
          : `a host outside isolated_hosts, for ${imageWords} is not of isolated_images`,
      }),
    };
  },
};
