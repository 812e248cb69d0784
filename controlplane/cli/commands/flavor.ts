/** `drover flavor`: sizes of virtual machines by name. */
import { leaf, type Call, type NounCommand, type Result } from '../command.js';
import { type FlavorCall, flavorOptions } from '../flavor-options.js';

const nameArgument = ['<name>', 'name of the flavor'] as const;

async function listFlavors({ api }: Call): Promise<Result> {
  const { allFlavors } = await import('../catalog-lists.js');
  const { flavorsView } = await import('../views/flavors.js');
  const message = await allFlavors(await api());
  const note = 'No flavors yet: drover flavor set NAME --vcpus 2 --memory 4GiB makes one.';
  return {
    message,
    view: flavorsView(message.flavors),
    ...(message.flavors.length === 0 ? { note } : {}),
  };
}

async function show({ args: [name = ''], api }: Call): Promise<Result> {
  const { findFlavor, known } = await import('../catalog-lists.js');
  const { flavorView } = await import('../views/flavors.js');
  const message = known(await findFlavor(await api(), name), 'flavor', name, 'drover flavor list');
  return { message, view: flavorView(message) };
}

async function set(call: FlavorCall): Promise<Result> {
  const { changeFlavor } = await import('../change-flavor.js');
  const { flavorView } = await import('../views/flavors.js');
  const message = await changeFlavor(call);
  return { message, view: flavorView(message) };
}

async function remove({ args: [name = ''], api }: Call): Promise<Result> {
  const message = await (await api()).call('Catalog', 'DeleteFlavor', { name });
  const said = `Flavor ${name} is gone; what was placed with it keeps what it has.`;
  return { message, view: [{ kind: 'text', text: said }] };
}

export const flavor: NounCommand = {
  name: 'flavor',
  summary: 'Flavors: sizes of virtual machines by name',
  commands: [
    leaf({
      name: 'list',
      summary: 'List flavors.',
      examples: ['drover flavor list'],
      options: {},
      run: listFlavors,
    }),
    leaf({
      name: 'show',
      summary: 'Show a flavor.',
      args: [nameArgument],
      examples: ['drover flavor show m1.small'],
      options: {},
      run: show,
    }),
    leaf({
      name: 'set',
      summary: 'Make a flavor, or change what is named of one. What was placed with it keeps what it has.',
      args: [nameArgument],
      examples: [
        'drover flavor set m1.small --vcpus 2 --memory 4GiB --disk 20GiB',
        'drover flavor set m1.small --extra-spec hw:cpu_policy=dedicated',
        'drover flavor set m1.small --unset-spec hw:cpu_policy',
      ],
      options: flavorOptions,
      run: set,
    }),
    leaf({
      name: 'delete',
      summary: 'Forget a flavor.',
      args: [nameArgument],
      examples: ['drover flavor delete m1.small'],
      options: {},
      run: remove,
    }),
  ],
};
