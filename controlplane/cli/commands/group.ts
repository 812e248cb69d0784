/** `drover group`: virtual machines that should be together, or apart. */
import { leaf, text, type Call, type NounCommand, type Result } from '../command.js';

const groupArgument = ['<group>', 'name or id of the server group'] as const;
const policies = ['affinity', 'anti-affinity', 'soft-affinity', 'soft-anti-affinity'];
const createOptions = {
  policy: text({ flags: '--policy <policy>', summary: `${policies.join(', ')} (needed)` }),
  maxServerPerHost: text({
    flags: '--max-server-per-host <number>',
    summary: 'of anti-affinity: this many on one host (default: 1)',
  }),
  project: text({ flags: '--project <id>', summary: 'project that it is for' }),
} as const;

async function listGroups({ api }: Call): Promise<Result> {
  const { allGroups } = await import('../catalog-lists.js');
  const { groupsView } = await import('../views/groups.js');
  const message = await allGroups(await api());
  return {
    message,
    view: groupsView(message.serverGroups),
    ...(message.serverGroups.length === 0 ? { note: 'No server groups.' } : {}),
  };
}

async function show({ args: [group = ''], io, api }: Call): Promise<Result> {
  const { findGroup, known } = await import('../catalog-lists.js');
  const { groupView } = await import('../views/groups.js');
  const message = known(await findGroup(await api(), group), 'server group', group, 'drover group list');
  return { message, view: groupView(message, io.now()) };
}

async function create({ args: [name = ''], options, io, api }: Call<typeof createOptions>): Promise<Result> {
  const { wholeNumber } = await import('../options.js');
  const { invalid } = await import('../../../proto/wire/errors.js');
  const { groupView } = await import('../views/groups.js');
  if (options.policy === undefined) throw invalid('--policy', 'nothing', `one of ${policies.join(', ')}`);
  const serverGroup = {
    name,
    policy: options.policy,
    projectId: options.project ?? '',
    maxServerPerHost: wholeNumber('--max-server-per-host', options.maxServerPerHost, 1, 10_000) ?? 0,
  };
  const message = await (await api()).call('Catalog', 'CreateServerGroup', { serverGroup });
  return { message, view: groupView(message, io.now()) };
}

async function remove({ args: [group = ''], api }: Call): Promise<Result> {
  const message = await (await api()).call('Catalog', 'DeleteServerGroup', { serverGroup: group });
  return { message, view: [{ kind: 'text', text: `Server group ${group} is gone.` }] };
}

export const group: NounCommand = {
  name: 'group',
  summary: 'Server groups: virtual machines together, or apart',
  commands: [
    leaf({
      name: 'list',
      summary: 'List server groups.',
      examples: ['drover group list'],
      options: {},
      run: listGroups,
    }),
    leaf({
      name: 'show',
      summary: 'Show a server group with its members.',
      args: [groupArgument],
      examples: ['drover group show web'],
      options: {},
      run: show,
    }),
    leaf({
      name: 'create',
      summary: 'Make a server group. Virtual machines join it with drover place --group NAME --claim.',
      args: [['<name>', 'name of the server group']],
      examples: [
        'drover group create web --policy anti-affinity',
        'drover group create cache --policy anti-affinity --max-server-per-host 2',
      ],
      options: createOptions,
      run: create,
    }),
    leaf({
      name: 'delete',
      summary: 'Forget a server group. Refused while it has members.',
      args: [groupArgument],
      examples: ['drover group delete web'],
      options: {},
      run: remove,
    }),
  ],
};
