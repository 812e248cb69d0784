/** What would let more hosts pass, in words and in numbers. */

export interface Relaxation {
  readonly filter: string;
  /** `cpu_allocation_ratio 4 -> 4.4 admits 31 hosts`. */
  readonly text: string;
  /** Hosts that would pass every filter then. */
  readonly hosts: number;
}

/** A relaxation with how much it changes, from 0 for nothing; 1 is the whole of what was asked. */
export interface Change extends Relaxation {
  readonly size: number;
}
