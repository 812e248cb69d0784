/** `drover explain`: what a word of Drover means. Needs no control plane. */
import { leaf, type Call, type NounCommand, type Result } from '../command.js';
import { tunerNames } from '../../../proto/tuners/names.js';

/** The whole manual of a tuner, or a line of each. */
async function tuner({ args: [name] }: Call): Promise<Result> {
  const { manualOf, manuals } = await import('../../../proto/tuners/manual/index.js');
  const { manualsView, manualView } = await import('../../../proto/output/manual-view.js');
  if (name === undefined) return { message: { manuals }, view: manualsView(manuals) };
  const manual = manualOf(name);
  return { message: manual, view: manualView(manual) };
}

export const explain: NounCommand = {
  name: 'explain',
  summary: 'Manuals; no control plane is asked',
  commands: [
    leaf({
      name: 'tuner',
      summary: 'Say what a tuner sets, where, and how it is undone; without a name, list all tuners.',
      args: [['[name]', 'name of the tuner', tunerNames]],
      // The command itself refuses a wrong name: it knows the nearest.
      takesAnyArgs: true,
      examples: ['drover explain tuner cpu-qos', 'drover explain tuner'],
      options: {},
      run: tuner,
    }),
  ],
};
