/** Pages of a listing. The token is the sort key of the last item, so a listing that changes meanwhile skips nothing. */
import { invalid } from '../../proto/wire/errors.js';
import { maximumMessageBytes } from '../../proto/wire/limits.js';

export const longestPage = 1_000;
/** What a page's items take together at most, unless one alone takes more: an answer has a limit of its own. */
export const largestPageBytes = maximumMessageBytes / 2;

/**
 * One page of `items`, sorted by `keyOf` (unique). `pageSize` 0 is the longest page. `bytesOf`: what an item takes of the answer,
 * where that may be much.
 * Errors: `invalid-argument` for a size over 1,000 or a token that none of our answers gave.
 */
export function page<Item>(
  items: readonly Item[],
  pageSize: number,
  pageToken: string,
  keyOf: (item: Item) => string,
  bytesOf?: (item: Item) => number,
) {
  if (pageSize > longestPage) throw invalid('page_size', pageSize, `1 to ${longestPage}`);
  const after = pageToken === '' ? undefined : decode(pageToken);
  const sorted = items
    .map((item) => ({ item, key: keyOf(item) }))
    .sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0));
  const rest = after === undefined ? sorted : sorted.filter(({ key }) => key > after);
  const longest = rest.slice(0, pageSize || longestPage);
  const taken = bytesOf
    ? longest.slice(
        0,
        countWithin(longest, ({ item }) => bytesOf(item)),
      )
    : longest;
  const nextPageToken = taken.length < rest.length ? encode(taken.at(-1)?.key ?? '') : '';
  return { items: taken.map(({ item }) => item), nextPageToken, total: items.length };
}

/** How many of the first items one answer takes: at least one. */
function countWithin<Item>(items: readonly Item[], bytesOf: (item: Item) => number): number {
  let bytes = 0;
  const beyond = items.findIndex((item) => (bytes += bytesOf(item)) > largestPageBytes);
  return beyond < 0 ? items.length : Math.max(1, beyond);
}

function encode(key: string): string {
  return Buffer.from(`p1:${key}`).toString('base64url');
}

function decode(token: string): string {
  const text = Buffer.from(token, 'base64url').toString();
  if (!text.startsWith('p1:')) throw invalid('page_token', token, 'the next_page_token of an earlier answer');
  return text.slice(3);
}
