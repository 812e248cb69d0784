/** `drover host`: the hosts of the fleet. */
import { isOutOfPlacement } from '../../model/out-of-placement.js';
import { leaf, text, type Call, type NounCommand, type Result } from '../command.js';
import { drain, maintenance, resume } from '../host-maintenance.js';
import { updateOptions, type UpdateCall } from '../host-options.js';

const hostArgument = ['<host>', 'name or id of the host'] as const;
const listOptions = {
  zone: text({ flags: '--zone <zone>', summary: 'only hosts of this availability zone' }),
} as const;

async function listHosts({ options, api }: Call<typeof listOptions>): Promise<Result> {
  const { everyPage } = await import('../paging.js');
  const { hostsView } = await import('../views/hosts.js');
  const control = await api();
  const message = await everyPage(
    (pageToken) => control.call('Fleet', 'ListHosts', { availabilityZone: options.zone ?? '', pageToken }),
    ({ hosts }) => hosts,
  );
  const note =
    options.zone === undefined
      ? 'No host has joined yet: make a token with drover token create.'
      : `No host in zone ${options.zone}.`;
  return { message, view: hostsView(message.hosts), ...(message.hosts.length === 0 ? { note } : {}) };
}

async function show({ args: [host = ''], io, api }: Call): Promise<Result> {
  const { hostView } = await import('../views/host.js');
  const message = await (await api()).call('Fleet', 'GetHost', { host });
  return { message, view: hostView(message, io.now()) };
}

async function update(call: UpdateCall): Promise<Result> {
  const { updateHost } = await import('../update-host.js');
  const { hostBlock, usageBlock } = await import('../views/host.js');
  const message = await updateHost(call);
  const isStillOut = call.options.enable && isOutOfPlacement(message);
  const note = `${message.name} is still in ${message.maintenance?.state}: drover host resume ${message.name} puts it back.`;
  return {
    message,
    view: [hostBlock(message, call.io.now()), usageBlock(message)],
    ...(isStillOut ? { note } : {}),
  };
}

async function remove({ args: [host = ''], api }: Call): Promise<Result> {
  const message = await (await api()).call('Fleet', 'DeleteHost', { host });
  return {
    message,
    view: [{ kind: 'text', text: `Host ${host} is forgotten, and its certificate with it.` }],
  };
}

export const host: NounCommand = {
  name: 'host',
  summary: 'Hosts: list, show, change, drain and maintain, forget',
  commands: [
    leaf({
      name: 'list',
      summary: 'List hosts with what is promised of them.',
      examples: ['drover host list', 'drover host list --zone rack-a --output json'],
      options: listOptions,
      run: listHosts,
    }),
    leaf({
      name: 'show',
      summary: 'Show all that is known of a host.',
      args: [hostArgument],
      examples: ['drover host show kvm-01'],
      options: {},
      run: show,
    }),
    leaf({
      name: 'update',
      alias: 'set',
      summary:
        'Change labels, zone, allocation ratios or reservations of a host, or take it out of placement. What is not named stays.',
      args: [hostArgument],
      examples: [
        'drover host update kvm-01 --cpu-allocation-ratio 4 --label rack=a7',
        'drover host update kvm-01 --disable "fan replaced today"',
        'drover host update kvm-01 --enable',
        'drover host set kvm-01 --forced-down',
      ],
      options: updateOptions,
      run: update,
    }),
    drain,
    maintenance,
    resume,
    leaf({
      name: 'delete',
      summary: 'Forget a host and its certificate. Refused while it holds allocations.',
      args: [hostArgument],
      examples: ['drover host delete kvm-01'],
      options: {},
      run: remove,
    }),
  ],
};
