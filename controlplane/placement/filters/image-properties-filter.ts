import type { Columns } from '../../fleet/registry-resources.js';
import { type GuestKind, guestKindOf } from '../requirements/guest-kind.js';
import { meets, versionNumbers } from '../requirements/version-predicate.js';
import { asksNothing, type Filter, type RefusalWords } from './filter.js';

const reasons = ['guests-unknown', 'guest-unsupported', 'version-unreadable', 'version-differs'] as const;

/**
 * The host runs the kind of guest that the image is made for: one of its `supported_instances` has the architecture, the
 * hypervisor type and the VM mode of the image's properties, and its hypervisor has the version. A version alone is not
 * asked for. Nova `image_props_filter.py`.
 */
export const imagePropertiesFilter: Filter = {
  name: 'ImagePropertiesFilter',
  reasons,
  isOncePerRequest: true,
  prepare: ({ image }, columns, { imagePropertiesDefaultArchitecture }) => {
    const kind = guestKindOf(image, imagePropertiesDefaultArchitecture);
    if (kind.words.length === 0) return asksNothing;
    return {
      passes: (row) => refusalOf(kind, columns, row) === undefined,
      reasonOf: (row) => refusalOf(kind, columns, row) ?? 0,
      wordsOf: (row) => wordsOf(kind, columns, row),
    };
  },
};

/** Index of the reason; undefined: the host passes. */
function refusalOf({ words, version }: GuestKind, columns: Columns, row: number): number | undefined {
  const { supportedInstances, hypervisorVersion } = columns.detailsOf(row);
  if (!supportedInstances || supportedInstances.length === 0) return 0;
  if (!supportedInstances.some((guest) => words.every((word) => guest.includes(word)))) return 1;
  if (!version || !hypervisorVersion) return undefined;
  const numbers = versionNumbers(hypervisorVersion);
  if (!numbers) return 2;
  return meets(numbers, version) ? undefined : 3;
}

function wordsOf(kind: GuestKind, columns: Columns, row: number): RefusalWords {
  const { supportedInstances, hypervisorVersion } = columns.detailsOf(row);
  const reason = refusalOf(kind, columns, row) ?? 0;
  const numbers = versionNumbers(hypervisorVersion ?? 0)?.join('.') ?? `number ${hypervisorVersion}`;
  if (reason >= 2)
    return { observed: `hypervisor version ${numbers}`, wanted: `version ${kind.versionText}` };
  const guests = (supportedInstances ?? []).map((guest) => guest.join(' '));
  const more = guests.length > 5 ? ` and ${guests.length - 5} more` : '';
  return {
    observed: reason === 0 ? 'no supported guests told' : `supports ${guests.slice(0, 5).join(', ')}${more}`,
    wanted: kind.words.join(' '),
  };
}
