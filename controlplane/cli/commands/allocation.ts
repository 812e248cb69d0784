/** `drover allocation`: what is taken on the hosts. */
import { leaf, text, type Call, type NounCommand, type Result } from '../command.js';

const options = {
  host: text({ flags: '--host <host>', summary: 'only allocations on this host, by name or id' }),
} as const;

async function listAllocations({ options: { host = '' }, io, api }: Call<typeof options>): Promise<Result> {
  const { everyPage } = await import('../paging.js');
  const { allocationsView } = await import('../views/allocations.js');
  const control = await api();
  const message = await everyPage(
    (pageToken) => control.call('Placement', 'ListAllocations', { host, pageToken }),
    ({ allocations }) => allocations,
  );
  const view = allocationsView(message.allocations, io.now());
  return { message, view, ...(message.allocations.length === 0 ? { note: 'No allocations.' } : {}) };
}

async function release({ args: [allocationId = ''], api }: Call): Promise<Result> {
  const { allocationView } = await import('../views/allocations.js');
  const message = await (await api()).call('Placement', 'Release', { allocationId });
  const view = message.allocation
    ? allocationView(`Given back to ${message.allocation.hostName}.`, message.allocation)
    : [];
  return { message, view };
}

export const allocation: NounCommand = {
  name: 'allocation',
  summary: 'Allocations: what is taken on which host',
  commands: [
    leaf({
      name: 'list',
      summary: 'List allocations.',
      examples: ['drover allocation list', 'drover allocation list --host kvm-01'],
      options,
      run: listAllocations,
    }),
    leaf({
      name: 'delete',
      summary: 'Give an allocation back. The domain itself is not touched.',
      args: [['<id>', 'id of the allocation']],
      examples: ['drover allocation delete 0192f3a1-7c44-7000-8000-00000000a001'],
      options: {},
      run: release,
    }),
  ],
};
