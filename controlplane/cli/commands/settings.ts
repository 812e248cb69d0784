/** `drover settings`: how the scheduler decides, by Nova's names. */
import { flag, leaf, type Call, type NounCommand, type Result } from '../command.js';

const nameArgument = ['<name>', "Nova's name of the setting"] as const;
const listOptions = {
  changed: flag({ flags: '--changed', summary: 'only settings that are not the default' }),
} as const;

async function listSettings({ options: { changed }, api }: Call<typeof listOptions>): Promise<Result> {
  const { settingsView } = await import('../views/settings.js');
  const { settings, ...rest } = await (await api()).call('Catalog', 'GetSchedulerSettings', {});
  const shown = settings.filter(({ value, defaultValue }) => !changed || value !== defaultValue);
  return {
    message: { ...rest, settings: shown },
    view: settingsView(shown),
    ...(shown.length === 0 ? { note: 'Every setting is the default.' } : {}),
  };
}

async function show({ args: [name = ''], api }: Call): Promise<Result> {
  const { settingView } = await import('../views/settings.js');
  const { settingNamed } = await import('../setting-named.js');
  const message = settingNamed(await (await api()).call('Catalog', 'GetSchedulerSettings', {}), name);
  return { message, view: settingView(message) };
}

async function change({ api }: Pick<Call, 'api'>, name: string, value: string): Promise<Result> {
  const { settingView } = await import('../views/settings.js');
  const { settingNamed } = await import('../setting-named.js');
  const settings = { [name]: value };
  const message = await (await api()).call('Catalog', 'UpdateSchedulerSettings', { settings });
  return { message, view: settingView(settingNamed(message, name)) };
}

async function set(call: Call): Promise<Result> {
  const [name = '', value = ''] = call.args;
  const { invalid } = await import('../../../proto/wire/errors.js');
  if (value.trim() === '')
    throw invalid('value', value, 'a value; drover settings unset takes the default again');
  return change(call, name, value);
}

export const settings: NounCommand = {
  name: 'settings',
  summary: "Settings of the scheduler, by Nova's names",
  commands: [
    leaf({
      name: 'list',
      summary: 'List settings with their defaults.',
      examples: ['drover settings list', 'drover settings list --changed'],
      options: listOptions,
      run: listSettings,
    }),
    leaf({
      name: 'show',
      summary: 'Show a setting and what it means.',
      args: [nameArgument],
      examples: ['drover settings show enabled_filters'],
      options: {},
      run: show,
    }),
    leaf({
      name: 'set',
      summary: 'Change a setting. It is in force for the next request.',
      args: [nameArgument, ['<value>', 'the value, as nova.conf would have it']],
      examples: [
        'drover settings set host_subset_size 3',
        'drover settings set ram_weight_multiplier -1.0',
        'drover settings set metrics.weight_setting cpu.percent=-1.0',
      ],
      options: {},
      run: set,
    }),
    leaf({
      name: 'unset',
      summary: 'Take the default of a setting again.',
      args: [nameArgument],
      examples: ['drover settings unset host_subset_size'],
      options: {},
      run: async (call) => change(call, call.args[0] ?? '', ''),
    }),
  ],
};
