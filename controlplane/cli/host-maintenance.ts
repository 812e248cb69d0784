/** `drover host drain`, `maintenance` and `resume`: texts; what they do is imported when they run. */
import { leaf, type Result } from './command.js';
import { drainOptions, maintenanceOptions, resumeOptions } from './maintenance-options.js';

const hostArgument = ['<host>', 'name or id of the host'] as const;

export const drain = leaf({
  name: 'drain',
  summary:
    'Take a host out of placement, after a look at the capacity that is left. Its guests go on running.',
  args: [hostArgument],
  examples: ['drover host drain kvm-01 --reason "fan is loud"', 'drover host drain kvm-01 --noop'],
  options: drainOptions,
  run: async (call): Promise<Result> => (await import('./run-maintenance.js')).drainHost(call),
});

export const maintenance = leaf({
  name: 'maintenance',
  summary:
    'Take a host out of placement and stop its guests in order, or leave them running as told. Refused where the others cannot take its load.',
  args: [hostArgument],
  examples: [
    'drover host maintenance kvm-01 --guests stop --reason "new kernel" --wait',
    'drover host maintenance kvm-01 --guests stop --noop',
    'drover host maintenance kvm-01 --guests leave',
  ],
  options: maintenanceOptions,
  run: async (call): Promise<Result> => (await import('./run-maintenance.js')).maintainHost(call),
});

export const resume = leaf({
  name: 'resume',
  summary:
    'End drain or maintenance: back into placement, and start the guests that were stopped for it. Again: try those that did not start.',
  args: [hostArgument],
  examples: [
    'drover host resume kvm-01',
    'drover host resume kvm-01 --wait',
    'drover host resume kvm-01 --guests leave',
  ],
  options: resumeOptions,
  run: async (call): Promise<Result> => (await import('./run-maintenance.js')).resumeHost(call),
});
