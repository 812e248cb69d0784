/** Server groups: virtual machines that should be together, or apart. */

/** Nova's policies. The soft ones are wishes: they weigh, and refuse no host. */
export const groupPolicies = ['affinity', 'anti-affinity', 'soft-affinity', 'soft-anti-affinity'] as const;

export interface ServerGroup {
  readonly id: string;
  readonly name: string;
  /** One of `groupPolicies`. */
  readonly policy: string;
  /** Of anti-affinity; undefined: 1. */
  readonly maxServerPerHost: number | undefined;
}
