/** What a request asks of passthrough devices. */

/** Passthrough devices that a request asks for: `count` of any kind in `specs`. */
export interface PciRequest {
  readonly count: number;
  readonly specs: readonly Readonly<Record<string, string>>[];
  /** required, preferred, legacy, socket; undefined: legacy. */
  readonly numaPolicy: string | undefined;
}
