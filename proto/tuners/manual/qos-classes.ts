/** The manual of `qos-classes`. */
import type { TunerManual } from './manual.js';

export const manual: TunerManual = {
  name: 'qos-classes',
  summary: 'Named bundles of extra specs, such as gold and silver, for domains that carry none of their own.',
  settings: [
    {
      name: 'default',
      what: 'Class of domains that name none.',
      values: '1..64 characters, a name of classes',
      default: 'none: such domains get no specs',
      writes: 'nothing by itself',
      since: 'Drover',
      effect: 'now',
    },
    {
      name: 'classes',
      what: 'The classes: to each name the extra specs that its domains get, which other tuners then obey as if a flavor said them.',
      values:
        'up to 64 names of 1..64 characters, each with up to 64 extra specs: text, numbers, true or false',
      default: 'none; it must be given',
      writes: 'nothing by itself: what the tuners of those specs write',
      since: 'Drover',
      effect: 'now',
    },
  ],
  extraSpecs: [{ name: 'drover:qos_class', becomes: 'the class of the domain' }],
  knobs: [],
  verify: 'Each spec is verified by the tuner that obeys it.',
  undo: 'Nothing was written; a class that is taken away puts the settings of its domains back to what the profile says, or to what was there before.',
  limits: [
    'The class is that of the extra spec drover:qos_class, else that of the attribute qos_class in the metadata of Drover in the XML, else the default.',
    'Specs of the domain itself, by its allocation or its XML, go before those of its class, one by one.',
    'A domain that names a class which the profile does not have gets no class, also not the default: a gold domain is not made a bronze one by a slip.',
    'An extra spec that no tuner obeys does nothing; drover explain tuner NAME lists those of each tuner.',
    'Only tuners that the profile names write anything: a class with quota:cpu_shares needs cpu-qos beside it.',
  ],
  owners: [],
  sources: [
    'Nova 2024.1 extra specs of flavors',
    'libvirt 9.0 formatdomain, <metadata>',
    'docs/reference/tuners.md',
  ],
  example: `qos-classes:
  default: silver
  classes:
    gold: {"quota:cpu_shares": 4096, "drover:disk_weight": 800}
    silver: {"quota:cpu_shares": 1024, "drover:disk_weight": 200}
cpu-qos: {}
block-weight: {}
`,
};
