/** Every domain with what its XML says, at the cost of one list while nothing changed. */
import { asDroverError, DroverError } from '../../proto/wire/errors.js';
import type { DomainCalls, HypervisorParts } from './domain-calls.js';
import { describeDomain, listDomains, withDomain } from './domain-list.js';
import type { ListedDomain } from './domain-list.js';
import { readDomainPid } from './domain-pid.js';
import { unknownXmlPart } from './domain-xml-view.js';
import type { XmlPart } from './domain-xml-view.js';
import type { DomainView } from './hypervisor.js';

/** What is known of a domain from its XML, or that nothing is. */
type XmlView = XmlPart & Pick<DomainView, 'xmlUnknown'>;

/** What one domain may hold up a look at all of them, and after what time the look goes on with others meanwhile. */
const xmlLimitMs = 900;
const xmlSlowMs = 100;

/** How the reason begins where a domain's XML could not be read. */
export const unreadXml = 'the XML of the domain could not be read';

/** XML reads of one `domains()` at a time: the other connections stay free for changes. */
const parallelXmlReads = 2;

/**
 * Every domain, active and not, by name. One whose XML could not be read is there with `xmlUnknown`, no devices and
 * everything explicit: nothing will touch it. Errors: those of `Hypervisor`.
 */
export async function lookAtDomains(parts: HypervisorParts, calls: DomainCalls): Promise<DomainView[]> {
  const { library, cache } = parts;
  const known = (uuid: string, id: number) => (id === -1 ? undefined : cache.getProven(uuid, id)?.size);
  const listed = await calls.submit('list domains', undefined, (connection, lease) =>
    listDomains(library, connection, lease, known),
  );
  cache.keepOnly(new Set(listed.map((domain) => domain.uuid)));
  const views = new Map<string, XmlView>();
  for (const { uuid, id } of listed) {
    const view = cache.get(uuid, id)?.view;
    if (view) views.set(uuid, view);
  }
  const unread = listed.filter(({ uuid }) => !views.has(uuid));
  const read = await mapLimited(unread, parallelXmlReads, (domain) => xmlOf(calls, domain));
  for (const [index, { uuid }] of unread.entries()) views.set(uuid, read[index] as XmlView);
  return listed.map((domain) => viewOf(parts, domain, views.get(domain.uuid) as XmlView));
}

/** One domain alone, active or not. Errors: as `lookAtDomains`, and `not-found`. */
export async function lookAtDomain(
  parts: HypervisorParts,
  calls: DomainCalls,
  uuid: string,
): Promise<DomainView> {
  const label = `look at ${uuid}`;
  const found = await calls.submit(label, label, (connection, lease) =>
    withDomain(parts.library, connection, lease, { uuid }, (domain) =>
      describeDomain(parts.library, connection, lease, domain),
    ),
  );
  if (!found) throw new DroverError('not-found', `${label}: it is gone`, { field: 'domain', value: uuid });
  return viewOf(parts, found, await xmlOf(calls, found));
}

function viewOf({ cache, pidDirectory }: HypervisorParts, domain: ListedDomain, xml: XmlView): DomainView {
  const pid = domain.id === -1 ? undefined : readDomainPid(pidDirectory, domain.name);
  return cache.sameView({ ...domain, ...xml, pid });
}

async function xmlOf(calls: DomainCalls, domain: ListedDomain): Promise<XmlView> {
  try {
    return (await soon(calls.xml(domain), `read ${domain.name}`)).view;
  } catch (thrown) {
    return nothingKnown(domain, asDroverError(thrown)); // said by the view itself
  }
}

/** Stands for XML that could not be read: to the safe side, so that no tuner writes over a setting it cannot see. */
function nothingKnown({ vcpus }: ListedDomain, { message }: DroverError): XmlView {
  return {
    ...unknownXmlPart(vcpus),
    xmlUnknown: `${unreadXml}: ${message}`,
  };
}

/** One domain whose XML does not come must not hold up the look at all others. */
async function soon<Result>(work: Promise<Result>, label: string): Promise<Result> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    const words = `${label}: not answered in ${xmlLimitMs} ms`;
    timer = setTimeout(() => reject(new DroverError('deadline-exceeded', words)), xmlLimitMs);
  });
  return Promise.race([work, late]).finally(() => clearTimeout(timer));
}

/** As `Promise.all` over `map`, with at most `limit` under way; one that takes long is left to itself and not counted. */
async function mapLimited<Item, Result>(
  items: readonly Item[],
  limit: number,
  map: (item: Item) => Promise<Result>,
): Promise<Result[]> {
  const results: Promise<Result>[] = [];
  const queue = items.entries();
  const work = async () => {
    for (const [index, item] of queue) await orSlow((results[index] = map(item)));
  };
  await Promise.all(Array.from({ length: limit }, work));
  return Promise.all(results);
}

/** Done when `work` is, or when that takes long. */
async function orSlow(work: Promise<unknown>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const slow = new Promise<void>((resolve) => (timer = setTimeout(resolve, xmlSlowMs)));
  await Promise.race([work, slow]).finally(() => clearTimeout(timer));
}
