/** `drover zone`: availability zones. */
import { leaf, type Call, type NounCommand, type Result } from '../command.js';

async function listZones({ api }: Call): Promise<Result> {
  const { zoneColumns } = await import('../views/zones.js');
  const { tableOf } = await import('../../../proto/output/table.js');
  const message = await (await api()).call('Catalog', 'ListAvailabilityZones', {});
  const view = [{ kind: 'table', table: tableOf(zoneColumns, message.zones) }] as const;
  return { message, view, ...(message.zones.length === 0 ? { note: 'No zones: no host has joined.' } : {}) };
}

export const zone: NounCommand = {
  name: 'zone',
  summary: 'Availability zones',
  commands: [
    leaf({
      name: 'list',
      summary: 'List availability zones. Hosts and the aggregates that they are in say which there are.',
      examples: ['drover zone list'],
      options: {},
      run: listZones,
    }),
  ],
};
