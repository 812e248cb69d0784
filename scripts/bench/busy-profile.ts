/** The profile that the agent is measured with: every tuner of a busy host, and nothing of the machine is changed by it. */
import { existsSync, readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { parse, stringify } from 'yaml';
import { parseProfile } from '../../proto/wire/profile.js';

/** The checkout's, also when this runs from build/. */
const sample = ['../samples', '../../../scripts/samples']
  .map((folder) => fileURLToPath(new URL(`${folder}/nova-classic.yaml`, import.meta.url)))
  .find((file) => existsSync(file));

/**
 * scripts/samples/nova-classic.yaml with three changes: every tuner of domains is on; one CPU is reserved in place of four,
 * for small machines; and settings of the whole machine and of its networks are wanted as they are now, so that they are
 * read and compared but never written. `keepsGuests`: with a section `guests` besides.
 */
export function busyProfile(keepsGuests = false): ReturnType<typeof parseProfile> {
  if (sample === undefined) throw new Error('nova-classic.yaml is not beside this program');
  const profile = parse(readFileSync(sample, 'utf8')) as { name: string; tuners: Record<string, object> };
  const pinning = availableParallelism() > 1 ? { reserved: '0', shared: '1-$' } : { shared: '0' };
  return parseProfile(
    stringify({
      ...profile,
      name: 'bench',
      // Ports and orphans are looked at, and the delay lock is held, as on a host that Drover stops.
      ...(keepsGuests && { guests: {} }),
      tuners: {
        ...profile.tuners,
        'vcpu-pinning': pinning,
        'block-weight': { weight: 100 },
        'interface-qos': { inbound: { average: 0 }, outbound: { average: 0 } },
        'vhost-net': { require: true },
        ksm: { run: ksmNow() },
        'transparent-hugepages': { enabled: hugepagesNow() },
      },
    }),
  );
}

function ksmNow(): string {
  return readFileSync('/sys/kernel/mm/ksm/run', 'utf8').trim() === '1' ? 'on' : 'off';
}

function hugepagesNow(): string {
  const text = readFileSync('/sys/kernel/mm/transparent_hugepage/enabled', 'utf8');
  return /\[(\w+)\]/.exec(text)?.[1] ?? 'madvise';
}
