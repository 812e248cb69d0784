/** `drover health`: how the hypervisors do. */
import { flag, leaf, text, type Call, type NounCommand, type Result } from '../command.js';

const options = {
  host: text({ flags: '--host <host>', summary: 'only conditions of this host, by name or id' }),
  notOk: flag({ flags: '--not-ok', summary: 'only conditions that are not ok' }),
} as const;

async function listConditions({
  options: { host = '', notOk },
  io,
  api,
}: Call<typeof options>): Promise<Result> {
  const { conditionColumns } = await import('../views/conditions.js');
  const { tableOf } = await import('../../../proto/output/table.js');
  const message = await (await api()).call('Health', 'ListConditions', { host, onlyNotOk: notOk });
  const view = [{ kind: 'table', table: tableOf(conditionColumns(io.now()), message.conditions) }] as const;
  const note = notOk ? 'Every condition is ok.' : 'No conditions are known yet.';
  return { message, view, ...(message.conditions.length === 0 ? { note } : {}) };
}

export const health: NounCommand = {
  name: 'health',
  summary: 'Health of hypervisors',
  commands: [
    leaf({
      name: 'list',
      summary: 'List conditions, by host.',
      examples: ['drover health list', 'drover health list --not-ok'],
      options,
      run: listConditions,
    }),
  ],
};
