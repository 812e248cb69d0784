/** Lists that come in pages, as one. */
import { DroverError } from '../../proto/wire/errors.js';

/** Most pages that are followed: at 1,000 rows a page a million rows, beyond which a listing is not what helps. */
export const maximumPages = 1000;

/**
 * The first answer with the items of every page in it, and no further page. `itemsOf` answers the list inside an answer,
 * which is extended. Errors: `resource-exhausted` beyond `maximumPages`, and when a server repeats a page's token.
 */
export async function everyPage<Answer extends { nextPageToken: string }>(
  ask: (pageToken: string) => Promise<Answer>,
  itemsOf: (answer: Answer) => unknown[],
): Promise<Answer> {
  const first = await ask('');
  const items = itemsOf(first);
  let token = first.nextPageToken;
  for (let page = 1; token !== ''; page++) {
    if (page >= maximumPages)
      throw new DroverError(
        'resource-exhausted',
        `the list goes on after ${maximumPages} pages; narrow it down`,
      );
    const next = await ask(token);
    if (next.nextPageToken === token)
      throw new DroverError('internal', `the control plane repeats page ${token}`);
    for (const item of itemsOf(next)) items.push(item);
    token = next.nextPageToken;
  }
  return { ...first, nextPageToken: '' };
}
