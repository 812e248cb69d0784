/** `drover health`: how the hypervisors do. */
import type { ListConditionsResponse } from '../../../proto/gen/drover/v1/ListConditionsResponse.js';
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
  const note = noteOf(message, notOk);
  return { message, view, ...(note === undefined ? {} : { note }) };
}

function noteOf({ conditions, total }: ListConditionsResponse, notOk: boolean): string | undefined {
  if (conditions.length < total)
    return `These are ${conditions.length} of ${total} conditions: narrow them down with --not-ok or --host.`;
  if (conditions.length > 0) return undefined;
  return notOk ? 'Every condition is ok.' : 'No conditions are known yet.';
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
