/** The scheduler's settings, record `catalog/settings`: a change is durable and in force at once, for the next request. */
import type { SchedulerSettings as Message } from '../../proto/gen/drover/v1/SchedulerSettings.js';
import { asDroverError, invalid } from '../../proto/wire/errors.js';
import { codec } from '../../proto/wire/load.js';
import type { CommitQueue } from '../fleet/directory.js';
import type { SchedulerSettings } from '../model/scheduler-settings.js';
import type { Records } from '../store/store.js';
import { catalogLimits } from './limits.js';
import { type Setting, settingList, type Vocabulary } from './setting-list.js';
import { unknownWord } from './unknown-name.js';

export interface SettingsParts {
  readonly commits: CommitQueue;
  /** What holds where nothing is set. */
  readonly defaults: SchedulerSettings;
  readonly vocabulary: Vocabulary;
  /** Told in the same turn in which a change is durable, and at the start where something is set. */
  changed?(settings: SchedulerSettings): void;
  /** A stored setting that this release does not take: its default holds. */
  refused?(name: string, error: string): void;
}

const key = 'catalog/settings';
/** Sections of nova.conf whose names stand alone here. */
const sections = /^(filter_scheduler|scheduler|DEFAULT)\./;

export class Settings {
  readonly #parts: SettingsParts;
  readonly #list: ReadonlyMap<string, Setting>;
  /** Those that are not the default, as text. */
  #set: Readonly<Record<string, string>> = {};
  #current: SchedulerSettings;
  #revision = 0;
  #queue: Promise<unknown> = Promise.resolve();

  constructor(parts: SettingsParts) {
    this.#parts = parts;
    this.#list = new Map(settingList(parts.vocabulary).map((setting) => [setting.name, setting]));
    this.#current = parts.defaults;
  }

  /** The settings in force. */
  get current(): SchedulerSettings {
    return this.#current;
  }

  load(records: Records): void {
    const [stored] = records.under(key);
    if (!stored) return;
    const { revision, settings } = codec('StoredSettings').decode(stored.value);
    const good: Record<string, string> = {};
    for (const [name, text] of Object.entries(settings)) if (this.#isGood(name, text)) good[name] = text;
    this.#revision = revision;
    this.#take(good);
  }

  #isGood(name: string, text: string): boolean {
    try {
      this.#changed(this.#parts.defaults, { [name]: text });
      return true;
    } catch (thrown) {
      this.#parts.refused?.(name, asDroverError(thrown).message);
      return false;
    }
  }

  /** Every setting by name, with its default. */
  shown(): Message {
    const settings = [...this.#list.values()].map(({ name, help, print }) => ({
      name,
      help,
      value: print(this.#current),
      defaultValue: print(this.#parts.defaults),
    }));
    return { settings, revision: this.#revision };
  }

  /**
   * The settings in force with some others, which are not kept. An empty text is the default. Errors: `invalid-argument`
   * naming the setting, with the nearest name where there is none of that name.
   */
  with(changes: Readonly<Record<string, string>>, field = 'settings'): SchedulerSettings {
    return this.#changed(this.#parts.defaults, this.#merged(changes, field));
  }

  /** Changes settings, all of them or none; durable when it resolves. Errors: as `with`. */
  async update(changes: Readonly<Record<string, string>>, field = 'settings'): Promise<Message> {
    if (Object.keys(changes).length === 0) throw invalid(field, 'nothing', 'at least one setting');
    const work = async (): Promise<Message> => {
      const settings = this.#merged(changes, field);
      this.#changed(this.#parts.defaults, settings);
      const revision = this.#revision + 1;
      const value = codec('StoredSettings').encode({ revision, settings: { ...settings } });
      await this.#parts.commits.submit([{ key, value }]);
      this.#revision = revision;
      this.#take(settings);
      return this.shown();
    };
    const result = this.#queue.then(work);
    this.#queue = result.catch(() => undefined);
    return result;
  }

  #take(settings: Readonly<Record<string, string>>): void {
    this.#set = settings;
    this.#current = this.#changed(this.#parts.defaults, settings);
    this.#parts.changed?.(this.#current);
  }

  /** What is set once `changes` are made, under full names and without defaults. */
  #merged(changes: Readonly<Record<string, string>>, field: string): Record<string, string> {
    const merged: Record<string, string> = { ...this.#set };
    const seen = new Set<string>();
    for (const [given, text] of Object.entries(changes)) {
      const { name } = this.#setting(given, field);
      if (seen.has(name))
        throw invalid(`${field}.${given}`, text, `each setting once; ${name} is given already`);
      seen.add(name);
      if (text.length > catalogLimits.settingChars)
        throw invalid(name, `${text.length} characters`, `at most ${catalogLimits.settingChars}`);
      if (text.trim() === '') delete merged[name];
      else merged[name] = text.trim();
    }
    return merged;
  }

  #changed(from: SchedulerSettings, texts: Readonly<Record<string, string>>): SchedulerSettings {
    return Object.entries(texts).reduce(
      (settings, [name, text]) => this.#setting(name, 'settings').parse(settings, text),
      from,
    );
  }

  /** Errors: `invalid-argument` with the nearest name. */
  #setting(name: string, field: string): Setting {
    const setting = this.#list.get(name) ?? this.#list.get(name.replace(sections, ''));
    if (!setting) throw unknownWord('setting', name, field, [...this.#list.keys()]);
    return setting;
  }
}
