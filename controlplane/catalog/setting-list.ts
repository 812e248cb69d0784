/** Every setting of placement by Nova's name, with what it means, and how it is read and printed. */
import { invalid } from '../../proto/wire/errors.js';
import type { SchedulerSettings } from '../model/scheduler-settings.js';
import { pciAliases } from './pci-aliases.js';
import {
  largestFactor,
  metricRatios,
  names,
  number,
  truth,
  type ValueKind,
  whole,
  words,
  wordsOrNothing,
} from './setting-values.js';
import { unknownWord } from './unknown-name.js';

/** What placement can do: the filters that may be enabled, and the weighers with their multipliers. */
export interface Vocabulary {
  readonly filters: readonly string[];
  readonly weighers: readonly {
    readonly name: string;
    readonly multiplierKey: string;
    readonly multiplier: number;
  }[];
}

export interface Setting {
  /** Nova's, with its section where that is not `[filter_scheduler]`. */
  readonly name: string;
  readonly help: string;
  print(settings: SchedulerSettings): string;
  /** Settings with this one changed. Errors: `invalid-argument` naming it. */
  parse(settings: SchedulerSettings, text: string): SchedulerSettings;
}

/** Nova's `fields.Architecture`: what image properties and hosts may say. */
const architectures = new Set(
  `aarch64 alpha armv6 armv7b armv7l cris i686 ia64 lm32 m68k microblaze microblazeel mips mips64 mips64el mipsel openrisc
  parisc parisc64 ppc ppc64 ppc64le ppcemb ppcle s390 s390x sh4 sh4eb sparc sparc64 unicore32 x86_64 xtensa xtensaeb`.split(
    /\s+/,
  ),
);

const isShort = (text: string): boolean => text.length <= 255 && !/\p{Cc}/u.test(text);
const checkShort = (word: string, name: string): void => {
  if (!isShort(word)) throw invalid(name, word, 'names of at most 255 characters');
};
const zone = words(
  'the name of one zone: at most 63 characters, no comma, colon or blank',
  (text) => /^[^\s,:]{1,63}$/u.test(text) && isShort(text),
);
const multiplier = number(
  'a number such as 1.0, up to 1e100; negative: the other way round',
  -largestFactor,
  largestFactor,
);

/** The settings, by name. */
export function settingList(vocabulary: Vocabulary): readonly Setting[] {
  const known = vocabulary.filters;
  const filters = names((word) => {
    if (!known.includes(word)) throw unknownWord('filter', word, 'enabled_filters', known);
  });
  const list = [
    plain(
      'enabled_filters',
      'enabledFilters',
      filters,
      'Filters that run, in this order; names with commas between them.',
    ),
    plain(
      'host_subset_size',
      'hostSubsetSize',
      whole(1, 20_000),
      'The host is chosen at random among this many of the best; 1 is the best.',
    ),
    plain('max_attempts', 'maxAttempts', whole(1, 100), 'Hosts that a claim is tried on before it fails.'),
    plain(
      'shuffle_best_same_weighed_hosts',
      'shuffleBestSameWeighedHosts',
      truth,
      'Choose at random among the best hosts of equal weight.',
    ),
    plain(
      'default_availability_zone',
      'defaultAvailabilityZone',
      zone,
      'Zone of hosts that neither name a zone nor have one by an aggregate.',
    ),
    plain(
      'max_io_ops_per_host',
      'maxIoOpsPerHost',
      whole(0, 1e9),
      'IoOpsFilter: builds, migrations and the like that a host may have under way.',
    ),
    plain(
      'max_instances_per_host',
      'maxInstancesPerHost',
      whole(1, 1e9),
      'NumInstancesFilter: virtual machines that a host may hold.',
    ),
    plain(
      'isolated_images',
      'isolatedImages',
      names(checkShort),
      'IsolatedHostsFilter: ids of images that run on isolated hosts only.',
    ),
    plain(
      'isolated_hosts',
      'isolatedHosts',
      names(checkShort),
      'IsolatedHostsFilter: names of the hosts for isolated images.',
    ),
    plain(
      'restrict_isolated_hosts_to_isolated_images',
      'restrictIsolatedHostsToIsolatedImages',
      truth,
      'IsolatedHostsFilter: other images may not run on isolated hosts.',
    ),
    plain(
      'image_properties_default_architecture',
      'imagePropertiesDefaultArchitecture',
      wordsOrNothing('an architecture, such as x86_64 or aarch64', (text) => architectures.has(text)),
      'ImagePropertiesFilter: architecture of images that name none; empty: any.',
    ),
    plain(
      'aggregate_image_properties_isolation_namespace',
      'aggregateImagePropertiesIsolationNamespace',
      wordsOrNothing('at most 255 characters', isShort),
      'AggregateImagePropertiesIsolation: only keys that begin with this count; empty: all.',
    ),
    plain(
      'aggregate_image_properties_isolation_separator',
      'aggregateImagePropertiesIsolationSeparator',
      words('at most 255 characters', isShort),
      'AggregateImagePropertiesIsolation: what stands after the namespace.',
    ),
    plain(
      'metrics.weight_setting',
      'metricRatios',
      metricRatios,
      'MetricsWeigher: metrics with their ratios, such as cpu.percent=-1.0.',
    ),
    plain(
      'metrics.required',
      'metricsRequired',
      truth,
      'MetricsWeigher: a host without one of the metrics is an error, which MetricsFilter prevents; false: weight_of_unavailable stands in.',
    ),
    plain(
      'metrics.weight_of_unavailable',
      'weightOfUnavailable',
      number('a number such as -10000.0, up to 1e100', -largestFactor, largestFactor),
      'MetricsWeigher: weight of a host without one of the metrics, where they are not required.',
    ),
    plain(
      'compute.packing_host_numa_cells_allocation_strategy',
      'packingHostNumaCellsAllocationStrategy',
      truth,
      'Fill one NUMA cell of a host before the next; false spreads over them.',
    ),
    plain(
      'ecus_per_pcpu',
      'ecusPerPcpu',
      number('a number above 0 and up to 1000, such as 2.5', 0, 1000),
      'EcuFilter: ECUs of one pCPU where neither host nor aggregate says.',
    ),
    plain(
      'pci.alias',
      'pciAliases',
      pciAliases,
      'Names for kinds of device, which flavors ask for with pci_passthrough:alias: a JSON object or an array of them.',
    ),
    ...vocabulary.weighers.map(multiplierOf),
  ];
  return list.toSorted((a, b) => (a.name < b.name ? -1 : 1));
}

/** A setting that is one field of the settings. */
function plain<Key extends keyof SchedulerSettings>(
  name: string,
  key: Key,
  kind: ValueKind<SchedulerSettings[Key]>,
  help: string,
): Setting {
  return {
    name,
    help,
    print: (settings) => kind.print(settings[key]),
    parse: (settings, text) => ({ ...settings, [key]: kind.parse(text, name) }),
  };
}

/** The multiplier of a weigher. Nova has that of MetricsWeigher in a section of its own. */
function multiplierOf({
  name: weigher,
  multiplierKey: key,
  multiplier: usual,
}: Vocabulary['weighers'][number]): Setting {
  const name = key === 'metrics_weight_multiplier' ? 'metrics.weight_multiplier' : key;
  return {
    name,
    help: `${weigher}: multiplier of its weight; negative turns its order round, 0 leaves it out. Aggregates may set ${key}.`,
    print: ({ weightMultipliers }) => multiplier.print(weightMultipliers[key] ?? usual),
    parse: (settings, text) => ({
      ...settings,
      weightMultipliers: { ...settings.weightMultipliers, [key]: multiplier.parse(text, name) },
    }),
  };
}
