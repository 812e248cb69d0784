/**
 * The one interface to durable state: ordered, fenced records. LMDB implements it on one machine; NATS JetStream can
 * implement the same contract for several replicas. One conformance suite runs against every implementation.
 */

/** A record under a plain key such as `host/<id>`. Keys: 1 to 512 bytes. Values: protobuf, at most 4 MiB. */
export interface StoredRecord {
  readonly key: string;
  readonly value: Uint8Array;
}

/** A put, or a delete where `value` is undefined. */
export interface Write {
  readonly key: string;
  readonly value: Uint8Array | undefined;
}

/** One committed batch. Revisions grow by 1 for each commit. */
export interface Commit {
  readonly revision: number;
  readonly writes: readonly Write[];
}

/** Records as of one moment. */
export interface Records {
  /** Those whose key begins with `prefix` (empty: all), by key, read one by one while they are gone through. */
  under(prefix: string): Iterable<StoredRecord>;
}

/** Every record as of one revision, whatever is committed meanwhile, until it is closed. */
export interface Snapshot extends Records {
  /** Revision of the newest commit in it; 0: the store is empty. */
  readonly revision: number;
  /** Lets go of it: the store keeps old pages for it until then. Going through its records fails from then on. */
  close(): void;
}

export interface Store {
  /** What is stored now. Errors, also of going through its records: `storage-corrupt`. */
  load(): Promise<Snapshot>;
  /**
   * Makes a batch durable, whole or not at all, and answers the new revision.
   * Errors: `stale-revision` when the newest revision is not `expectedRevision`; `storage-failed` (disk full, I/O);
   * `resource-exhausted` for a batch over 10,000 writes or 64 MiB; `invalid-argument` for a bad key.
   */
  commit(writes: readonly Write[], expectedRevision: number): Promise<number>;
  /**
   * Commits after `revision`, in order, and then those to come, until the iterator is returned or the store closes.
   * Errors: `failed-precondition` when commits that old are no longer kept: load again.
   */
  tail(revision: number): AsyncIterableIterator<Commit>;
  /** True when a commit has failed half-way: nothing can be written until the store is opened again. */
  readonly failed?: boolean;
  close(): Promise<void>;
}
