/** What other rooms hear of the agents' sessions, without the fleet knowing them. */
import type { AgentMessage } from '../../proto/gen/drover/v1/AgentMessage.js';
import type { HostRecord } from '../../proto/gen/drover/v1/HostRecord.js';
import type { HostSession } from './sessions.js';

/** A verdict on a host beside those that its session alone gives. */
export interface HostVerdict {
  readonly type: string;
  readonly status: string;
  readonly reason: string;
  readonly message: string;
}

export interface AgentWatcher {
  /** A stream is up. `isNew`: the session began with it; false: one that was broken goes on. */
  connected?(session: HostSession, host: HostRecord, isNew: boolean): void;
  /** An agent said something, and the fleet's view has it already. */
  said?(session: HostSession, message: AgentMessage): void;
  /** The host is silent for longer than service_down_time. Told at every sweep. */
  silent?(hostId: string): void;
  /** The host was deleted. */
  removed?(hostId: string): void;
  /** UUIDs of domains that will run again on a host: they take their place there also while they are shut off. */
  expectedOn?(hostId: string): ReadonlySet<string>;
  /** What is wrong with a host; undefined: nothing. */
  troubleOn?(hostId: string): HostVerdict | undefined;
  /** Every second or so. */
  sweep?(): void;
}
