/**
 * Join tokens: `drv1.<id>.<secret>.<SHA-256 of the authority's certificate>`. One use, short life. The store holds only a
 * hash of the secret; the last part lets the host recognise the control plane before it trusts anything.
 */
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import { DroverError, invalid } from '../../proto/wire/errors.js';
import { codec } from '../../proto/wire/load.js';
import { checkHostName } from '../../proto/wire/names.js';
import type { JoinTokenRecord } from '../../proto/gen/drover/v1/JoinTokenRecord.js';
import type { Records, Write } from '../store/store.js';

/** Most tokens that are neither used nor expired. */
export const maximumOutstandingTokens = 10_000;
export const defaultTtlSeconds = 600;
export const maximumTtlSeconds = 86_400;
/** Used and expired tokens are remembered this long, so that the error can still say which it was. */
const rememberMs = 3_600_000;
const shape = /^drv1\.([0-9a-f]{16})\.([A-Za-z0-9_-]{43})\.([0-9a-f]{64})$/;

export interface CreatedToken {
  /** The secret is in it and nowhere else. */
  readonly token: string;
  readonly id: string;
  readonly expiresUnixMs: number;
}

/** Makes writes durable, as `Writer.submit`. */
export type Submit = (writes: readonly Write[]) => Promise<number>;

export class JoinTokens {
  readonly #records = new Map<string, JoinTokenRecord>();
  readonly #redeeming = new Set<string>();
  readonly #submit: Submit;
  readonly #fingerprint: string;
  readonly #now: () => number;

  /** `records`: what the store held at the start. `fingerprint`: of the authority. `now`: Unix milliseconds. */
  constructor(records: Records, submit: Submit, fingerprint: string, now: () => number) {
    this.#submit = submit;
    this.#fingerprint = fingerprint;
    this.#now = now;
    for (const { key, value } of records.under('token/'))
      this.#records.set(key.slice(6), codec('JoinTokenRecord').decode(value));
  }

  /** Tokens that the store holds, used and expired ones of the last hour included. */
  get size(): number {
    return this.#records.size;
  }

  /**
   * A new token. `ttlSeconds`: 1..86400, 0 is 600. `hostName`: the only host that may use it; empty: any.
   * Errors: `invalid-argument`; `resource-exhausted` with 10,000 outstanding.
   */
  async create(ttlSeconds: number, hostName: string, createdBy: string): Promise<CreatedToken> {
    const ttl = ttlSeconds === 0 ? defaultTtlSeconds : ttlSeconds;
    if (!Number.isInteger(ttl) || ttl < 1 || ttl > maximumTtlSeconds)
      throw invalid('ttl_seconds', ttlSeconds, `1..${maximumTtlSeconds}, or 0 for ${defaultTtlSeconds}`);
    if (hostName !== '') checkHostName(hostName);
    const removals = this.#forgetOld();
    if (this.#outstanding() >= maximumOutstandingTokens) throw tooMany();
    const id = randomBytes(8).toString('hex');
    const secret = randomBytes(32).toString('base64url');
    const expiresUnixMs = this.#now() + ttl * 1000;
    const record = {
      id,
      secretSha256: hash(secret),
      expiresUnixMs,
      hostName,
      usedUnixMs: 0,
      usedByHostId: '',
      createdBy,
    };
    this.#records.set(id, record);
    try {
      await this.#submit([...removals, this.#write(record)]);
    } catch (error) {
      this.#records.delete(id);
      throw error;
    }
    return { token: `drv1.${id}.${secret}.${this.#fingerprint}`, id, expiresUnixMs };
  }

  /**
   * Uses a token up for `hostId`. When this resolves the mark is durable, so the certificate may be given; of several
   * callers at once one succeeds. Errors: `unauthenticated`, with a message of its own for each fault.
   */
  async redeem(token: string, hostName: string, hostId: string): Promise<JoinTokenRecord> {
    const record = this.check(token, hostName);
    const used = { ...record, usedUnixMs: this.#now(), usedByHostId: hostId };
    this.#redeeming.add(record.id);
    try {
      await this.#submit([this.#write(used)]);
      this.#records.set(record.id, used);
      return used;
    } finally {
      this.#redeeming.delete(record.id);
    }
  }

  /** The record of a token that could be used now. Errors: as `redeem`. */
  check(token: string, hostName: string): JoinTokenRecord {
    const [, id = '', secret = '', fingerprint] = shape.exec(token) ?? [];
    if (id === '')
      throw refused(
        'the join token is no token of Drover',
        'copy it whole, as drover token create printed it',
      );
    if (fingerprint !== this.#fingerprint)
      throw refused('the join token is of another control plane', 'create one here with drover token create');
    const record = this.#records.get(id);
    // An unknown id is compared too: the time must not tell which ids exist.
    const isRight = timingSafeEqual(record?.secretSha256 ?? Buffer.alloc(32), hash(secret));
    if (!record || !isRight)
      throw refused('the join token is unknown or forged', 'create a new one with drover token create');
    if (record.usedUnixMs !== 0 || this.#redeeming.has(id))
      throw refused(
        `the join token was used before${record.usedByHostId && ` by host ${record.usedByHostId}`}`,
        'a token works once: create a new one with drover token create',
      );
    if (record.expiresUnixMs <= this.#now())
      throw refused(
        `the join token expired on ${new Date(record.expiresUnixMs).toISOString()}`,
        'create a new one with drover token create',
      );
    if (record.hostName !== '' && record.hostName !== hostName)
      throw refused(
        `the join token is for host ${record.hostName}, not ${hostName}`,
        `create one with drover token create for ${hostName}`,
      );
    return record;
  }

  #write(record: JoinTokenRecord): Write {
    return { key: `token/${record.id}`, value: codec('JoinTokenRecord').encode(record) };
  }

  #outstanding(): number {
    const now = this.#now();
    let count = 0;
    for (const record of this.#records.values())
      if (record.usedUnixMs === 0 && record.expiresUnixMs > now) count++;
    return count;
  }

  /** Drops what ended more than an hour ago, at most 1,000 at a time. Deleting twice is harmless. */
  #forgetOld(): Write[] {
    const before = this.#now() - rememberMs;
    const old = [...this.#records.values()]
      .filter((record) => (record.usedUnixMs || record.expiresUnixMs) < before)
      .slice(0, 1000);
    for (const record of old) this.#records.delete(record.id);
    return old.map((record) => ({ key: `token/${record.id}`, value: undefined }));
  }
}

function hash(secret: string): Buffer {
  return createHash('sha256').update(secret).digest();
}

function tooMany(): DroverError {
  const cure = 'use them or wait until they expire';
  return new DroverError(
    'resource-exhausted',
    `${maximumOutstandingTokens} join tokens are outstanding; ${cure}`,
    { field: 'token', cure },
  );
}

function refused(fault: string, cure: string): DroverError {
  return new DroverError('unauthenticated', `${fault}; ${cure}`, { field: 'token', cure });
}
