/** How much of each kind the catalog holds. */
export const catalogLimits = {
  flavors: 10_000,
  aggregates: 1_000,
  /** Aggregates that one host is in: each of them is looked at with every change of the host. */
  aggregatesPerHost: 100,
  /** Keys of one aggregate's metadata; each key and value has at most 255 characters, as in Nova. */
  metadata: 128,
  metadataChars: 255,
  serverGroups: 10_000,
  /** Nova's rule counts servers of one host. */
  serversPerHost: 10_000,
  /** Bytes of one setting: every filter by name is about 700, isolated_hosts may name a thousand hosts. */
  settingChars: 65_536,
} as const;
