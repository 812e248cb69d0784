/** Making and changing host aggregates: the whole is read, changed and stored, unless somebody else was first. */
import type { HostAggregate } from '../../proto/gen/drover/v1/HostAggregate.js';
import { DroverError, invalid } from '../../proto/wire/errors.js';
import type { CreateCall, SetCall } from './aggregate-options.js';
import { findAggregate, fresh, known } from './catalog-lists.js';
import type { Api } from './client.js';
import type { Call } from './command.js';
import { keyValues } from './options.js';

/** How often a change is tried again when others change the same aggregate. */
const tries = 5;

/** Errors: `already-exists`, those of the control plane. */
export async function createAggregate({
  args: [name = ''],
  options,
  api,
}: CreateCall): Promise<HostAggregate> {
  const metadata = metadataOf(options);
  const control = await api();
  fresh(await findAggregate(control, name), 'aggregate', name, 'drover aggregate set');
  return control.call('Catalog', 'PutAggregate', { aggregate: { name, metadata, hosts: options.host } });
}

/** Sets and removes metadata. Errors: `invalid-argument` when nothing is named, `not-found`. */
export async function setAggregate({ args: [name = ''], options, api }: SetCall): Promise<HostAggregate> {
  const added = metadataOf(options);
  if (Object.keys(added).length + options.unset.length === 0)
    throw invalid('options', 'nothing', '--zone, --metadata or --unset');
  return change(await api(), name, (before) => {
    const entries = Object.entries({ ...before.metadata, ...added });
    const metadata = Object.fromEntries(entries.filter(([key]) => !options.unset.includes(key)));
    return { ...before, metadata };
  });
}

/** Puts the hosts that are named into it. One that is in it already stays. */
export async function addHosts({ args: [name = '', ...hosts], api }: Call): Promise<HostAggregate> {
  const isIn = (before: HostAggregate, host: string) =>
    before.hosts.includes(host) || before.hostIds.includes(host);
  return change(await api(), name, (before) => ({
    ...before,
    hosts: [...before.hosts, ...hosts.filter((host) => !isIn(before, host))],
  }));
}

/** Takes the hosts that are named out. Errors: `not-found` for one that is not in it. */
export async function removeHosts({ args: [name = '', ...hosts], api }: Call): Promise<HostAggregate> {
  return change(await api(), name, (before) => {
    for (const host of hosts) if (placeOf(before, host) < 0) throw notIn(name, host);
    const leaving = new Set(hosts.map((host) => placeOf(before, host)));
    return { ...before, hosts: before.hosts.filter((_, at) => !leaving.has(at)) };
  });
}

async function change(
  api: Api,
  name: string,
  make: (before: HostAggregate) => HostAggregate,
): Promise<HostAggregate> {
  for (let tried = 1; ; tried++) {
    const before = known(await findAggregate(api, name), 'aggregate', name, 'drover aggregate list');
    try {
      return await api.call('Catalog', 'PutAggregate', { aggregate: make(before) });
    } catch (thrown) {
      const isStale = thrown instanceof DroverError && thrown.code === 'stale-revision';
      if (!isStale || tried >= tries) throw thrown;
    }
  }
}

function metadataOf({
  zone,
  metadata,
}: Pick<SetCall['options'], 'zone' | 'metadata'>): Record<string, string> {
  const named = keyValues('--metadata', metadata);
  if (zone === undefined) return named;
  if ('availability_zone' in named)
    throw invalid('--zone', zone, 'a zone once: --metadata availability_zone says it too');
  return { ...named, availability_zone: zone };
}

function placeOf({ hosts, hostIds }: HostAggregate, host: string): number {
  const byName = hosts.indexOf(host);
  return byName >= 0 ? byName : hostIds.indexOf(host);
}

function notIn(name: string, host: string): DroverError {
  return new DroverError('not-found', `host ${host} is not in aggregate ${name}`, {
    field: 'host',
    value: host,
    cure: `drover aggregate show ${name}`,
  });
}
