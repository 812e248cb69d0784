/** Whether a host counts as up, as Nova's service group does: by the age of its last sign of life. */

export type Liveness = 'up' | 'down' | 'never-seen';

export interface LivenessRule {
  /** Nova's `service_down_time`: a host silent for longer is down. */
  readonly serviceDownTimeMs: number;
}

/** Nova counts exactly `service_down_time` as up, and takes the absolute age, so a clock that jumped back is no death. */
export function liveness(lastSeenMs: number, nowMs: number, rule: LivenessRule): Liveness {
  if (lastSeenMs === 0) return 'never-seen';
  return Math.abs(nowMs - lastSeenMs) <= rule.serviceDownTimeMs ? 'up' : 'down';
}
