/** `drover profile`: the settings that hosts should have. */
import type { ApplyProfileResponse } from '../../../proto/gen/drover/v1/ApplyProfileResponse.js';
import type { Profile } from '../../../proto/gen/drover/v1/Profile.js';
import type { Api } from '../client.js';
import { flag, leaf, text, type Call, type NounCommand, type Result } from '../command.js';

const nameArgument = ['<name>', 'name of the profile'] as const;
const applyOptions = {
  noop: flag({ flags: '--noop', summary: 'only say what would change; exit 2 when something would' }),
} as const;
const showOptions = {
  revision: text({ flags: '--revision <number>', summary: 'this revision (default: the newest)' }),
} as const;

async function apply({ args: [file = ''], options, io, api }: Call<typeof applyOptions>): Promise<Result> {
  const { profileFile } = await import('../options.js');
  const { encodeGuests, encodeTuners } = await import('../../../proto/wire/profile.js');
  const { tuners, guests, ...document } = await profileFile(io, file);
  const profile = { ...document, tuners: encodeTuners(tuners), guests: encodeGuests(guests) };
  const control = await api();
  const message = await control.call('Tuning', 'ApplyProfile', { profile, validateOnly: options.noop });
  if (options.noop) return wouldApply(control, message);
  const { appliedView } = await import('../views/profiles.js');
  return { message, view: appliedView(message) };
}

async function wouldApply(api: Api, message: ApplyProfileResponse): Promise<Result> {
  const { noopView } = await import('../views/profiles.js');
  const { exitCodes } = await import('../../../proto/wire/errors.js');
  const newest = await newestOf(api, message.profile?.name ?? '');
  const changes = !(await sameContent(newest, message.profile));
  return {
    message,
    view: noopView(message, newest, changes),
    exit: changes ? exitCodes.pending : exitCodes.ok,
  };
}

async function newestOf(api: Api, name: string): Promise<Profile | undefined> {
  const { DroverError } = await import('../../../proto/wire/errors.js');
  try {
    return await api.call('Tuning', 'GetProfile', { name });
  } catch (error) {
    if (error instanceof DroverError && error.code === 'not-found') return undefined;
    throw error;
  }
}

/** Equal in everything that a revision is made of. A withdrawn profile comes back with any content. */
async function sameContent(stored: Profile | undefined, wanted: Profile | null): Promise<boolean> {
  const { canonicalJson, failureWay } = await import('../../../proto/wire/profile.js');
  if (stored === undefined || wanted === null || stored.withdrawn) return false;
  const content = ({ onFailure, ...profile }: Profile) => {
    const { name, description, priority, selector, tuners, trialSeconds, guests } = profile;
    const parts = { name, description, priority, selector, tuners, trialSeconds, guests };
    return canonicalJson({ ...parts, onFailure: failureWay(onFailure) });
  };
  return content(stored) === content(wanted);
}

async function listProfiles({ io, api }: Call): Promise<Result> {
  const { profilesView } = await import('../views/profiles.js');
  const message = await (await api()).call('Tuning', 'ListProfiles', {});
  const note = 'No profiles yet: drover profile apply FILE stores the first.';
  return {
    message,
    view: profilesView(message.profiles, io.now()),
    ...(message.profiles.length === 0 ? { note } : {}),
  };
}

async function show({ args: [name = ''], options, api }: Call<typeof showOptions>): Promise<Result> {
  const { wholeNumber } = await import('../options.js');
  const { profileView } = await import('../views/profiles.js');
  const revision = wholeNumber('--revision', options.revision, 1, 2 ** 31) ?? 0;
  const message = await (await api()).call('Tuning', 'GetProfile', { name, revision });
  return { message, view: profileView(message) };
}

async function withdraw({ args: [name = ''], api }: Call): Promise<Result> {
  const message = await (await api()).call('Tuning', 'WithdrawProfile', { name });
  const said = `Withdrew ${message.name}, as revision ${message.revision}: it selects no host any more, and hosts put its settings back.`;
  return { message, view: [{ kind: 'text', text: said }] };
}

export const profile: NounCommand = {
  name: 'profile',
  summary: 'Profiles: the settings that hosts should have',
  commands: [
    leaf({
      name: 'apply',
      summary: 'Store a profile as a new revision and send it to the hosts that it selects.',
      args: [['<file>', 'YAML file of the profile']],
      examples: ['drover profile apply ksm.yaml', 'drover profile apply ksm.yaml --noop'],
      options: applyOptions,
      run: apply,
    }),
    leaf({
      name: 'list',
      summary: 'List profiles, the newest revision of each.',
      examples: ['drover profile list'],
      options: {},
      run: listProfiles,
    }),
    leaf({
      name: 'show',
      summary: 'Show one revision with every setting.',
      args: [nameArgument],
      examples: ['drover profile show density', 'drover profile show density --revision 2'],
      options: showOptions,
      run: show,
    }),
    leaf({
      name: 'withdraw',
      summary: 'Withdraw a profile: hosts put back what was there before.',
      args: [nameArgument],
      examples: ['drover profile withdraw density'],
      options: {},
      run: withdraw,
    }),
  ],
};
