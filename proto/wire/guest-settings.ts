/**
 * The `guests` section of a profile: how a host stops and starts its guests, keeps their ports and looks for domains that
 * nobody knows. A profile without it leaves guests alone.
 */
import { z } from 'zod';

/** How a guest is asked to shut down: the ACPI power button, or the QEMU guest agent inside it. */
export const askingWays = ['acpi', 'agent'] as const;

/** What becomes of a guest that still runs when its grace is over. */
export const lastResorts = ['power-off', 'managed-save', 'leave'] as const;

/** Nova's `running_deleted_instance_action`. */
export const deletedActions = ['noop', 'log', 'shutdown', 'reap'] as const;

/** What a guest itself, a rule or the host says of one guest. */
export const guestRule = z.strictObject({
  /** Names of domains; * and ? allowed. */
  domains: z.array(z.string().min(1).max(255)).min(1).max(1000),
  order: z.int().min(0).max(9999).optional(),
  after: z.array(z.string().min(1).max(255)).max(64).optional(),
  grace_seconds: z.int().min(1).max(3600).optional(),
  ask: z.array(z.enum(askingWays)).min(1).max(2).optional(),
  // oxlint-disable-next-line unicorn/no-thenable -- a key of the profile; nobody awaits a schema
  then: z.enum(lastResorts).optional(),
  resume: z.boolean().optional(),
});

const stop = z.strictObject({
  /** Within which all guests are stopped when the host goes down. */
  budget_seconds: z.int().min(5).max(7200).default(300),
  /** Guests that stop at once, within a wave. */
  parallel: z.int().min(1).max(256).default(8),
  grace_seconds: z.int().min(1).max(3600).default(60),
  ask: z.array(z.enum(askingWays)).min(1).max(2).default(['acpi', 'agent']),
  // oxlint-disable-next-line unicorn/no-thenable -- a key of the profile; nobody awaits a schema
  then: z.enum(lastResorts).default('power-off'),
  /** What a plan that does not fit the budget is: a warning, or a reason to refuse `drover host maintenance`. */
  over_budget: z.enum(['warn', 'refuse']).default('warn'),
});

const start = z.strictObject({
  /** Nova's name and default: guests that ran, run again after a boot. */
  resume_guests_state_on_host_boot: z.boolean().default(false),
  /** Starts under way at once where the kernel tells no pressure. */
  parallel: z.int().min(1).max(64).default(4),
  /** Starts under way at once in any case, however idle the host is. */
  most: z.int().min(1).max(256).default(64),
  /** Share of time in which some task waited (PSI some, 0..100) above which no further start begins. */
  io_pressure_percent: z.number().min(1).max(100).default(40),
  cpu_pressure_percent: z.number().min(1).max(100).default(80),
  /** Mean time of a request to the disk of the images above which no further start begins. */
  storage_latency_ms: z.number().min(1).max(60_000).default(50),
  /** Longest that a guest's start counts as under way; it ends sooner when its QEMU has been quiet for three seconds. */
  settle_seconds: z.int().min(0).max(600).default(60),
  /** Starts that others ask libvirt for wait for their turn too (libvirt's hook). */
  pace_others: z.boolean().default(false),
  /** Each start asks the control plane for room in its rack and storage first. */
  fleet_limits: z.boolean().default(false),
});

export const guestsSection = z.strictObject({
  stop: stop.prefault({}),
  start: start.prefault({}),
  /** Ports of Open vSwitch that are stale or missing. */
  ports: z.enum(['heal', 'report', 'off']).default('heal'),
  running_deleted_instance_action: z.enum(deletedActions).default('log'),
  /** How long a domain must have been known to nobody before anything is done to it. */
  running_deleted_instance_age_seconds: z.int().min(60).max(86_400).default(600),
  /** The first rule whose names match a guest counts; what the domain's own metadata says goes over it. */
  rules: z.array(guestRule).max(256).default([]),
});

export type GuestSettings = z.infer<typeof guestsSection>;
export type GuestRule = z.infer<typeof guestRule>;
export type AskingWay = (typeof askingWays)[number];
export type LastResort = (typeof lastResorts)[number];
export type DeletedAction = (typeof deletedActions)[number];
