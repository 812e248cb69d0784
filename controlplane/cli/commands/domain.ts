/** `drover domain`: the virtual machines that libvirt knows on the hosts. */
import { leaf, text, type Call, type NounCommand, type Result } from '../command.js';

const options = {
  host: text({ flags: '--host <host>', summary: 'only domains of this host, by name or id' }),
} as const;

async function listDomains({ options: { host = '' }, api }: Call<typeof options>): Promise<Result> {
  const { everyPage } = await import('../paging.js');
  const { domainColumns } = await import('../views/domains.js');
  const { tableOf } = await import('../../../proto/output/table.js');
  const control = await api();
  const message = await everyPage(
    (pageToken) => control.call('Fleet', 'ListDomains', { host, pageToken }),
    ({ domains }) => domains,
  );
  const view = [{ kind: 'table', table: tableOf(domainColumns, message.domains) }] as const;
  return { message, view, ...(message.domains.length === 0 ? { note: 'No domains.' } : {}) };
}

export const domain: NounCommand = {
  name: 'domain',
  summary: 'Domains on the hosts',
  commands: [
    leaf({
      name: 'list',
      summary: 'List domains, by host and name.',
      examples: ['drover domain list', 'drover domain list --host kvm-01'],
      options,
      run: listDomains,
    }),
  ],
};
