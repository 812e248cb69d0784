/** What Drover and Nova wrote into <metadata> of a domain (https://libvirt.org/formatdomain.html#general-metadata). */
import type { XmlPart } from './domain-xml-view.js';
import { attribute, children, namespaced, only, text } from './xml-element.js';
import type { Element } from './xml-element.js';

/** Namespace of Drover's element in `<metadata>`. */
export const metadataNamespace = 'https://drover.dev/xmlns/1';

/** Nova's, with its version left off: 1.0 since 2014.2, 1.1 now (nova/virt/libvirt/config.py, NOVA_NS). */
const novaNamespace = 'http://openstack.org/xmlns/libvirt/nova/';

/** What is beyond these is not read: a domain with more has a mistake, and no tuner knows as many. */
const limits = { specs: 64, characters: 255 } as const;

type Metadata = Pick<XmlPart, 'allocationId' | 'qosClass' | 'specs' | 'specSource' | 'isNovas'>;

/**
 * `<P:allocation xmlns:P="https://drover.dev/xmlns/1" id="…" qos_class="gold">` with `<P:extra_spec name="…">value</…>`
 * below it, whatever the prefix P, and Nova's `<nova:instance>`, whose flavor lists its extra specs in newer Novas (33.1 does):
 * `<nova:extraSpecs><nova:extraSpec name="…">value</…>`. Drover's word goes over Nova's, spec by spec.
 */
export function readMetadata(domain: Element): Metadata {
  const metadata = only(domain, 'metadata');
  const ours = namespaced(metadata, 'allocation').find(({ namespace }) => namespace === metadataNamespace);
  const nova = namespaced(metadata, 'instance').find(({ namespace }) => namespace.startsWith(novaNamespace));
  const own = ours ? readSpecs(children(ours.element, `${ours.prefix}extra_spec`)) : [];
  const novas = nova ? readSpecs(novaSpecs(nova.element, nova.prefix)) : [];
  return {
    allocationId: attribute(ours?.element, 'id') ?? '',
    qosClass: attribute(ours?.element, 'qos_class') ?? '',
    specs: Object.fromEntries([...novas, ...own]),
    specSource: own.length > 0 ? 'drover' : novas.length > 0 ? 'nova' : '',
    isNovas: nova !== undefined,
  };
}

function novaSpecs(instance: Element, prefix: string): Element[] {
  const list = only(only(instance, `${prefix}flavor`), `${prefix}extraSpecs`);
  return children(list, `${prefix}extraSpec`);
}

function readSpecs(elements: readonly Element[]): [name: string, value: string][] {
  return elements
    .map((element): [string, string] => [attribute(element, 'name') ?? '', text(element).trim()])
    .filter(
      ([name, value]) => name !== '' && name.length <= limits.characters && value.length <= limits.characters,
    )
    .slice(0, limits.specs);
}
