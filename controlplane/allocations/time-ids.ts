/** Ids that grow with time, so that the store puts new records side by side: a commit touches few pages that way. */

const variants = '89ab';
/** The number within a millisecond, as it is written. */
const counts = Array.from({ length: 0x1000 }, (_, count) => `${count.toString(16).padStart(3, '0')}-`);

/**
 * UUIDs of version 7 (RFC 9562): 48 bits of Unix ms, 12 bits that count within a millisecond, 62 random bits that are drawn
 * for each millisecond. Each is greater than the one before, also when the clock is set back. `random` answers that many
 * random bytes.
 */
export function timeIds(now: () => number, random: (bytes: number) => Buffer): () => string {
  let [lastMs, count, head, end] = [-1, 0, '', ''];
  const begin = (ms: number): void => {
    lastMs = ms;
    count = 0;
    const hex = ms.toString(16).padStart(12, '0');
    head = `${hex.slice(0, 8)}-${hex.slice(8)}-7`;
    end = randomEnd(random(8).toString('hex'));
  };
  return () => {
    const nowMs = now();
    if (nowMs > lastMs) begin(nowMs);
    else if (++count > 0xfff) begin(lastMs + 1);
    return head + (counts[count] as string) + end;
  };
}

/** The last two groups: the variant, 62 random bits. */
function randomEnd(hex: string): string {
  const variant = variants[parseInt(hex.charAt(0), 16) & 3] as string;
  return `${variant}${hex.slice(1, 4)}-${hex.slice(4)}`;
}
