/** One setting out of all of them. */
import type { SchedulerSetting } from '../../proto/gen/drover/v1/SchedulerSetting.js';
import type { SchedulerSettings } from '../../proto/gen/drover/v1/SchedulerSettings.js';
import { DroverError } from '../../proto/wire/errors.js';
import { nearest } from '../../proto/wire/nearest.js';

/** A setting by name; the sections of nova.conf that stand alone here may be in front. Errors: `not-found`, with the nearest name. */
export function settingNamed({ settings }: SchedulerSettings, name: string): SchedulerSetting {
  const own = name.replace(/^(filter_scheduler|scheduler|DEFAULT)\./, '');
  const found = settings.find((setting) => setting.name === name || setting.name === own);
  if (found) return found;
  const names = settings.map((setting) => setting.name);
  const meant = nearest(name, names);
  const cure =
    meant === undefined ? 'drover settings list shows those that are known' : `did you mean ${meant}?`;
  throw new DroverError('not-found', `setting ${name} is not known`, { field: 'name', value: name, cure });
}
