/** How a domain wants to be stopped and started: `<drover:guest>` in its metadata. */
import { askingWays, lastResorts } from '../../proto/wire/guest-settings.js';
import { metadataNamespace } from './domain-xml-metadata.js';
import type { GuestWords } from './hypervisor.js';
import { attribute, namespaced, only } from './xml-element.js';
import type { Element } from './xml-element.js';

/** As the profile's keys are bound; see `guestRule`. */
const bounds = { order: 9999, graceSeconds: 3600, needs: 64, characters: 255 } as const;

/**
 * `<P:guest xmlns:P="https://drover.dev/xmlns/1" order="10" after="db1 db2" grace_seconds="120" ask="agent acpi"
 * then="managed-save" resume="no"/>`, whatever the prefix P. An attribute that is not usable is as if it were absent. libvirt
 * keeps one element of a namespace in <metadata> and drops every further one without a word: beside an allocation the guest
 * stands inside of it, `<P:allocation …><P:guest …/></P:allocation>`.
 */
export function readGuestWords(domain: Element): GuestWords {
  const guest = guestElement(domain);
  if (!guest) return {};
  const said = (name: string): string | undefined => attribute(guest, name);
  const order = whole(said('order'), 0, bounds.order);
  const graceSeconds = whole(said('grace_seconds'), 1, bounds.graceSeconds);
  const after = words(said('after')).filter((name) => name.length <= bounds.characters);
  const ask = words(said('ask')).filter((way) => isOne(way, askingWays));
  const then = said('then');
  const resume = said('resume');
  return {
    ...(order !== undefined && { order }),
    ...(graceSeconds !== undefined && { graceSeconds }),
    ...(after.length > 0 && { after: after.slice(0, bounds.needs) }),
    ...(ask.length > 0 && { ask: [...new Set(ask)] }),
    // oxlint-disable-next-line unicorn/no-thenable -- a word of the metadata; nobody awaits it
    ...(isOne(then, lastResorts) && { then }),
    ...((resume === 'yes' || resume === 'no') && { resume: resume === 'yes' }),
  };
}

function guestElement(domain: Element): Element | undefined {
  const ours = (name: string) =>
    namespaced(only(domain, 'metadata'), name).find(({ namespace }) => namespace === metadataNamespace);
  const allocation = ours('allocation');
  return ours('guest')?.element ?? (allocation && only(allocation.element, `${allocation.prefix}guest`));
}

function whole(text: string | undefined, low: number, high: number): number | undefined {
  const number = text !== undefined && /^\d{1,9}$/.test(text) ? Number(text) : Number.NaN;
  return number >= low && number <= high ? number : undefined;
}

function words(text: string | undefined): string[] {
  return (text ?? '').split(/\s+/).filter((word) => word !== '');
}

function isOne<Word extends string>(word: string | undefined, known: readonly Word[]): word is Word {
  return known.includes(word as Word);
}
