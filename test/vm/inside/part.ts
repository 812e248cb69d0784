/** A part of the test in one machine. */
import type { Checks } from './checks.js';
import type { LocalHost } from './local-host.js';

export type Part = (checks: Checks, host: LocalHost) => Promise<void>;

/** By name, in their order. */
export type Parts = Readonly<Record<string, Part>>;
