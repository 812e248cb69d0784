/** `drover aggregate`: hosts that have something in common, and what placement makes of it. */
import { type CreateCall, createOptions, type SetCall, setOptions } from '../aggregate-options.js';
import { leaf, type Call, type NounCommand, type Result } from '../command.js';
import type { HostAggregate } from '../../../proto/gen/drover/v1/HostAggregate.js';

const nameArgument = ['<name>', 'name of the aggregate'] as const;
const hostsArgument = ['<hosts...>', 'names or ids of hosts'] as const;

async function listAggregates({ api }: Call): Promise<Result> {
  const { allAggregates } = await import('../catalog-lists.js');
  const { aggregatesView } = await import('../views/aggregates.js');
  const message = await allAggregates(await api());
  return {
    message,
    view: aggregatesView(message.aggregates),
    ...(message.aggregates.length === 0 ? { note: 'No aggregates.' } : {}),
  };
}

async function show({ args: [name = ''], api }: Call): Promise<Result> {
  const { findAggregate, known } = await import('../catalog-lists.js');
  return shown(known(await findAggregate(await api(), name), 'aggregate', name, 'drover aggregate list'));
}

async function shown(message: HostAggregate): Promise<Result> {
  const { aggregateView } = await import('../views/aggregates.js');
  return { message, view: aggregateView(message) };
}

const create = async (call: CreateCall): Promise<Result> =>
  shown(await (await import('../change-aggregate.js')).createAggregate(call));
const set = async (call: SetCall): Promise<Result> =>
  shown(await (await import('../change-aggregate.js')).setAggregate(call));
const addHost = async (call: Call): Promise<Result> =>
  shown(await (await import('../change-aggregate.js')).addHosts(call));
const removeHost = async (call: Call): Promise<Result> =>
  shown(await (await import('../change-aggregate.js')).removeHosts(call));

async function remove({ args: [name = ''], api }: Call): Promise<Result> {
  const message = await (await api()).call('Catalog', 'DeleteAggregate', { name });
  return { message, view: [{ kind: 'text', text: `Aggregate ${name} is gone; its hosts stay.` }] };
}

export const aggregate: NounCommand = {
  name: 'aggregate',
  summary: 'Host aggregates: hosts with metadata that placement reads',
  commands: [
    leaf({
      name: 'list',
      summary: 'List host aggregates.',
      examples: ['drover aggregate list'],
      options: {},
      run: listAggregates,
    }),
    leaf({
      name: 'show',
      summary: 'Show a host aggregate with its hosts.',
      args: [nameArgument],
      examples: ['drover aggregate show rack-a'],
      options: {},
      run: show,
    }),
    leaf({
      name: 'create',
      summary: 'Make a host aggregate.',
      args: [nameArgument],
      examples: [
        'drover aggregate create rack-a --zone az-1 --host kvm-01 --host kvm-02',
        'drover aggregate create dense --metadata cpu_allocation_ratio=8.0',
      ],
      options: createOptions,
      run: create,
    }),
    leaf({
      name: 'set',
      summary: 'Change the zone or metadata of a host aggregate. What is not named stays.',
      args: [nameArgument],
      examples: [
        'drover aggregate set rack-a --metadata ram_allocation_ratio=1.2',
        'drover aggregate set rack-a --unset ram_allocation_ratio',
      ],
      options: setOptions,
      run: set,
    }),
    leaf({
      name: 'add-host',
      summary: 'Put hosts into an aggregate. Refused where a host would stand in two availability zones.',
      args: [nameArgument, hostsArgument],
      examples: ['drover aggregate add-host rack-a kvm-03 kvm-04'],
      options: {},
      run: addHost,
    }),
    leaf({
      name: 'remove-host',
      summary: 'Take hosts out of an aggregate.',
      args: [nameArgument, hostsArgument],
      examples: ['drover aggregate remove-host rack-a kvm-03'],
      options: {},
      run: removeHost,
    }),
    leaf({
      name: 'delete',
      summary: 'Forget an aggregate. Its hosts stay.',
      args: [nameArgument],
      examples: ['drover aggregate delete rack-a'],
      options: {},
      run: remove,
    }),
  ],
};
