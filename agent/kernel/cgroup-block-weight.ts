/**
 * The proportional weight of a control group for block I/O, in the file that libvirt writes. Libvirt 9 (vircgroupv1.c,
 * vircgroupv2.c, SetBlkioWeight) takes blkio.bfq.weight before blkio.weight, and io.bfq.weight before io.weight. On a
 * host with systemd it does not write that file but the unit's BlockIOWeight or IOWeight, and systemd writes both files,
 * the one of bfq in a scale of its own.
 */
import type { CgroupVersion } from './cgroup.js';
import type { KernelRoot } from './root.js';

export interface GroupBlockWeight {
  /** Path of the file that tells the weight. */
  readonly file: string;
  /** 1..1000 with bfq, 1..10000 in io.weight; the default is 100 in both. */
  readonly weight: number;
  /** Who obeys this number: bfq, iocost, or either (systemd writes for both). */
  readonly obeyedBy: readonly ('bfq' | 'iocost')[];
  /** systemd turned libvirt's number into bfq's: `toBfqWeight`. */
  readonly isScaled: boolean;
}

/** The weight of a domain's group; undefined where no file of it can take one. */
export function readBlockWeight(
  root: KernelRoot,
  directory: string,
  version: CgroupVersion,
): GroupBlockWeight | undefined {
  const prefix = version === 1 ? 'blkio' : 'io';
  const [bfq, plain] = [`${directory}/${prefix}.bfq.weight`, `${directory}/${prefix}.weight`];
  const isScope = directory.endsWith('.scope');
  const own = version === 1 ? [] : (['iocost'] as const);
  const read = (file: string): number | undefined => weightIn(root.read(file));
  const [bfqWeight, plainWeight] = [read(bfq), read(plain)];
  if (isScope && plainWeight !== undefined)
    return { file: plain, weight: plainWeight, obeyedBy: [...own, 'bfq'], isScaled: false };
  if (bfqWeight !== undefined) return { file: bfq, weight: bfqWeight, obeyedBy: ['bfq'], isScaled: isScope };
  return plainWeight === undefined
    ? undefined
    : { file: plain, weight: plainWeight, obeyedBy: own, isScaled: false };
}

/** `100`, or the line `default 100` beside those of devices. */
function weightIn(text: string | undefined): number | undefined {
  const found = /^(?:default )?(\d+)$/m.exec(text ?? '');
  return found ? Number(found[1]) : undefined;
}

/** systemd's BFQ_WEIGHT (basic/cgroup-util.h): up to the default 100 as it is, and 100..10000 pressed into 100..1000. */
export function toBfqWeight(weight: number): number {
  return weight <= 100 ? weight : 100 + Math.floor((weight - 100) / 11);
}

/** The smallest number that `toBfqWeight` makes this one of. */
export function fromBfqWeight(bfqWeight: number): number {
  return bfqWeight <= 100 ? bfqWeight : 100 + (bfqWeight - 100) * 11;
}

/** Devices (`major:minor`) that share by io.weight: those with enable=1 in io.cost.qos of the root group. */
export function iocostDevices(root: KernelRoot, unified: string): ReadonlySet<string> {
  const lines = root.read(`${unified}/io.cost.qos`)?.split('\n') ?? [];
  return new Set(
    lines.filter((line) => / enable=1( |$)/.test(line)).map((line) => line.split(' ')[0] as string),
  );
}
