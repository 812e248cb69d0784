/** The file of guests that should run: JSON with a checksum. Pure. */
import { createHash } from 'node:crypto';
import { z } from 'zod';
import { canonicalJson } from '../../../proto/wire/profile.js';
import { jsonOf } from '../../reconcile/durable-file.js';

/** Most guests of one host; as many as a report has. */
export const maximumShouldRun = 4_096;

const row = z.strictObject({
  uuid: z.string().min(1).max(64),
  name: z.string().min(1).max(255),
  isHeld: z.boolean(),
});
const schema = z.strictObject({
  bootId: z.string().max(64),
  guests: z.array(row).max(maximumShouldRun),
  checksum: z.string(),
});

export interface ShouldRunRow {
  readonly uuid: string;
  readonly name: string;
  /** It does not run, by this host's doing: a boot, or the guest stage. */
  readonly isHeld: boolean;
}

export interface ShouldRunList {
  /** Of the boot in which the list was written. */
  readonly bootId: string;
  readonly guests: readonly ShouldRunRow[];
}

export function textOf(list: ShouldRunList): string {
  return `${canonicalJson({ ...list, checksum: checksumOf(list) })}\n`;
}

/** What a text says; undefined where it is damaged. */
export function parseShouldRun(text: string): ShouldRunList | undefined {
  const result = schema.safeParse(jsonOf(text));
  if (!result.success) return undefined;
  const { checksum, ...list } = result.data;
  return checksumOf(list) === checksum ? list : undefined;
}

function checksumOf({ bootId, guests }: ShouldRunList): string {
  return createHash('sha256').update(canonicalJson({ bootId, guests })).digest('hex');
}
