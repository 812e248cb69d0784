/** A placement request, checked once where it comes in; everything behind works with the checked form. Pure. */
import type { PlacementRequest } from '../../proto/gen/drover/v1/PlacementRequest.js';
import { invalid } from '../../proto/wire/errors.js';
import type { Amounts } from './host.js';

/** Largest amounts of one virtual machine. */
export const requestLimits = {
  /** More than KVM gives a guest on any machine of today (KVM_MAX_VCPUS is 4096 at most, QEMU's pc-q35 stops at 1024). */
  vcpus: 1024,
  /** 64 TiB: what 46 physical address bits can reach. */
  memoryMb: 2 ** 26,
  /** 1 PiB. */
  diskGb: 2 ** 20,
  /** 64 TiB. */
  swapMb: 2 ** 26,
  /** Nova's own limits for flavors: 255 characters each for key and value. */
  extraSpecs: 128,
  extraSpecChars: 255,
} as const;

/** What filters and weighers see of a request. Amounts are vCPUs and MiB. */
export interface CheckedRequest extends Amounts {
  /** Empty: any zone. */
  readonly availabilityZone: string;
  readonly instanceUuid: string;
  readonly extraSpecs: Readonly<Record<string, string>>;
}

/**
 * The checked form of a request. Disk is root and ephemeral GiB plus swap MiB, as Nova's DiskFilter adds them; it may be
 * 0, for a machine that boots from a volume. Errors: `invalid-argument` naming `field.vcpus` and so on.
 */
export function checkRequest(request: PlacementRequest | null, field = 'request'): CheckedRequest {
  if (request === null) throw invalid(field, 'nothing', 'a request with vcpus and memory_mb');
  const vcpus = whole(request.vcpus, `${field}.vcpus`, 1, requestLimits.vcpus, 'vCPUs');
  const memoryMb = whole(request.memoryMb, `${field}.memory_mb`, 1, requestLimits.memoryMb, 'MiB');
  const rootGb = whole(request.rootGb, `${field}.root_gb`, 0, requestLimits.diskGb, 'GiB');
  const ephemeralGb = whole(request.ephemeralGb, `${field}.ephemeral_gb`, 0, requestLimits.diskGb, 'GiB');
  const swapMb = whole(request.swapMb, `${field}.swap_mb`, 0, requestLimits.swapMb, 'MiB');
  return {
    vcpus,
    memoryMb,
    diskMb: 1024 * (rootGb + ephemeralGb) + swapMb,
    availabilityZone: text(request.availabilityZone, `${field}.availability_zone`, 255),
    instanceUuid: text(request.instanceUuid, `${field}.instance_uuid`, 64),
    extraSpecs: checkExtraSpecs(request.extraSpecs, `${field}.extra_specs`),
  };
}

/** An idempotency key, or the empty text for none. Errors: `invalid-argument` for more than 128 bytes. */
export function checkIdempotencyKey(key: string, field = 'idempotency_key'): string {
  if (Buffer.byteLength(key) > 128) throw invalid(field, key, 'at most 128 bytes');
  return key;
}

function whole(value: number, field: string, least: number, most: number, unit: string): number {
  if (Number.isInteger(value) && value >= least && value <= most) return value;
  throw invalid(field, value, `a whole number of ${unit}, ${least} to ${most}`);
}

function text(value: string, field: string, most: number): string {
  if (value.length <= most) return value;
  throw invalid(field, value, `at most ${most} characters`);
}

function checkExtraSpecs(specs: Record<string, string>, field: string): Record<string, string> {
  const entries = Object.entries(specs);
  const { extraSpecs, extraSpecChars } = requestLimits;
  if (entries.length > extraSpecs) throw invalid(field, `${entries.length} entries`, `at most ${extraSpecs}`);
  for (const [key, value] of entries) {
    text(key, `${field} key`, extraSpecChars);
    text(value, `${field}.${key}`, extraSpecChars);
  }
  return specs;
}
