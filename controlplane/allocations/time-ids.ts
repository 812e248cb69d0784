/** Ids that grow with time, so that the store puts new records side by side: a commit touches few pages that way. */

/** Random bytes are asked for so many at a time; eight for an id. */
const poolBytes = 4_096;
const variants = '89ab';

/**
 * UUIDs of version 7 (RFC 9562): 48 bits of Unix ms, 12 bits that count within a millisecond, 62 random bits. Each is
 * greater than the one before, also when the clock is set back. `random` answers that many random bytes.
 */
export function timeIds(now: () => number, random: (bytes: number) => Buffer): () => string {
  let [lastMs, count, at, pool, head] = [-1, 0, 2 * poolBytes, '', ''];
  const begin = (ms: number): void => {
    [lastMs, count] = [ms, 0];
    const hex = ms.toString(16).padStart(12, '0');
    head = `${hex.slice(0, 8)}-${hex.slice(8)}-7`;
  };
  return () => {
    const nowMs = now();
    if (nowMs > lastMs) begin(nowMs);
    else if (++count > 0xfff) begin(lastMs + 1);
    if (at >= pool.length) [pool, at] = [random(poolBytes).toString('hex'), 0];
    const tail = pool.slice(at, at + 16);
    at += 16;
    const variant = variants[parseInt(tail.charAt(0), 16) & 3] as string;
    return `${head}${count.toString(16).padStart(3, '0')}-${variant}${tail.slice(1, 4)}-${tail.slice(4)}`;
  };
}
