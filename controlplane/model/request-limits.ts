/** The limits of a placement request. What is over one is refused before anything is looked for. */

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
  /** Glance's quota of image properties. */
  imageProperties: 128,
  /** Names, ids, keys and values that have no limit of their own. */
  textChars: 255,
  /** Hints by name, and values of one: UUIDs of servers to be near to or away from. */
  hints: 64,
  hintValues: 1_000,
  /** A value of a hint: the query of JsonFilter is one. */
  hintChars: 65_536,
  /** Names in each of ignore_hosts, force_hosts and force_nodes. */
  hostNames: 10_000,
  pciRequests: 64,
  /** Kinds of device, of all requests together. */
  pciSpecs: 64,
  pciKeys: 32,
  pciCount: 1_024,
  physnets: 64,
} as const;
