/** A program that sets KSM itself, as a unit of systemd: seen, left alone, and stopped only when the profile says so. */
import { rmSync, writeFileSync } from 'node:fs';
import type { TunerSettings } from '../../../proto/wire/tuner-settings.js';
import type { Checks } from './checks.js';
import { run } from './guests.js';
import { text } from './kernel-files.js';
import { inWords, type LocalHost } from './local-host.js';

const unit = 'ksmtuned.service';
const file = `/run/systemd/system/${unit}`;
const pace = '/sys/kernel/mm/ksm/pages_to_scan';
const wish: TunerSettings = { ksm: { run: 'on', pages_to_scan: 1_234 } };

export async function checkOwner(checks: Checks, host: LocalHost): Promise<void> {
  writeFileSync(file, '[Service]\nExecStart=/bin/sleep infinity\n');
  await systemctl('daemon-reload');
  await systemctl('start', unit);
  try {
    await ownedThenTakenOver(checks, host);
  } finally {
    await systemctl('stop', unit);
    rmSync(file, { force: true });
    await systemctl('daemon-reload');
  }
}

async function ownedThenTakenOver(checks: Checks, host: LocalHost): Promise<void> {
  const before = text(pace);
  const held = await host.apply(wish);
  checks.equal('owner: its settings are held', [...new Set(held.map(({ outcome }) => outcome))], ['held']);
  checks.equal('owner: the reason names it', held[0]?.reason, `${unit} is active and sets this itself`);
  checks.equal('owner: nothing was written', [text(pace), await state()], [before, 'active']);
  const taken = await host.enforce({ ...wish, owners: { take_over: [unit] } });
  checks.equal('owner: taken over', taken.filter(({ outcome }) => outcome !== 'in-sync').map(inWords), []);
  checks.equal(
    'owner: stopped, and the setting is in force',
    [await state(), text(pace)],
    ['inactive', '1234'],
  );
  checks.equal('owner: undone without failures', await host.revert(), []);
  checks.equal(
    'owner: it runs again, the setting is as it was',
    [await state(), text(pace)],
    ['active', before],
  );
}

/** `is-active` ends with a code of its own for each state. */
async function state(): Promise<string> {
  const shown = await systemctl('show', '--property', 'ActiveState', '--value', unit);
  return shown.trim();
}

export function systemctl(...words: string[]): Promise<string> {
  return run(['systemctl', ...words], { timeoutMs: 180_000 });
}
