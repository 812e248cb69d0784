/** Who keeps a domain's block limits on one disk: its control group, or QEMU. Pure. */
import { qemuOnlyKey, type BlockQosSettings } from '../../../../proto/tuners/block-qos.js';
import type { BlockAsk } from './block-ask.js';
import type { DomainImage } from './domain-images.js';

export interface LimitWay {
  /** `unknown`: what is under the image could not be seen now. */
  readonly by: 'cgroup' | 'qemu' | 'unknown';
  /** For people. */
  readonly reason: string;
}

/** Cache modes that go past the host's page cache (O_DIRECT): what the guest writes is then written by QEMU itself. */
const uncached = new Set(['none', 'directsync']);

/**
 * The way for images that lie on one disk of the host (they share a control group's limit), or for one that lies on
 * none. A control group sees only I/O that QEMU itself sends to a disk of the host: neither network disks nor what the
 * page cache writes later. It knows no totals and no bursts.
 */
export function wayOf(
  { via = 'auto' }: Pick<BlockQosSettings, 'via'>,
  { limits, faults }: Pick<BlockAsk, 'limits' | 'faults'>,
  images: readonly DomainImage[],
  groupObstacle: string | undefined,
): LimitWay {
  if (via !== 'auto') return { by: via, reason: `the profile says via: ${via}` };
  const asked = Object.fromEntries([...faults.keys()].map((key) => [key, 1]));
  const special = qemuOnlyKey({ ...limits, ...asked });
  if (special !== undefined) return byQemu(`control groups have no ${special}`);
  const placeless = images.find(({ disk }) => disk === undefined);
  if (placeless) return placeless.isUndecided ? unknown(placeless.reason) : byQemu(placeless.reason);
  if (groupObstacle !== undefined) return byQemu(groupObstacle);
  const cached = images.find(({ cache }) => !uncached.has(cache));
  if (cached)
    return byQemu(
      `cache is ${cached.cache} on ${cached.target}: a control group does not see what it writes`,
    );
  return { by: 'cgroup', reason: 'the control group sees all of its I/O' };
}

function byQemu(reason: string): LimitWay {
  return { by: 'qemu', reason };
}

function unknown(reason: string): LimitWay {
  return { by: 'unknown', reason };
}
