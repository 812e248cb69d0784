/** Limits and deadlines of the contract: both sides take them from here, so that they cannot disagree. */

/** Protocol versions that this build speaks, inclusive. */
export const protocolVersions = { lowest: 1, highest: 1 } as const;

/** Largest gRPC message either side takes. A host with 4,096 domains reports about 1 MiB; 1,000 claims are under 1 MiB. */
export const maximumMessageBytes = 8 * 2 ** 20;

/** Messages of one direction that may wait for acknowledgement. */
export const outboxLimit = 256;

/**
 * Allocations that one message tells an agent: as many domains as a host reports. Their record in the store has at most
 * 4 MiB, and the message less than it.
 */
export const maximumToldAllocations = 4_096;

/** Heartbeat interval of agents; `service_down_time` must be at least three of it. */
export const heartbeatIntervalMs = 5_000;

/**
 * HTTP/2 keepalive of both sides. A firewall that silently drops an idle connection is noticed after time + timeout
 * = 15 s, which leaves half of the 30 s budget for the reconnect.
 */
export const keepalive = { timeMs: 10_000, timeoutMs: 5_000 } as const;

/** Deadline of unary calls that do not say otherwise. */
export const unaryDeadlineMs = 10_000;

/** Reconnect backoff: the first wait, and the longest; jitter of ±25 % keeps a fleet from returning in step. */
export const backoff = { firstMs: 500, longestMs: 10_000 } as const;

/** Channel and server options shared by both sides. */
export const channelOptions = {
  'grpc.keepalive_time_ms': keepalive.timeMs,
  'grpc.keepalive_timeout_ms': keepalive.timeoutMs,
  'grpc.keepalive_permit_without_calls': 1,
  'grpc.max_receive_message_length': maximumMessageBytes,
  'grpc.max_send_message_length': maximumMessageBytes,
} as const;
