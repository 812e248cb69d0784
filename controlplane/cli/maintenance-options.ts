/** The options of `drover host drain`, `maintenance` and `resume`. */
import { flag, text, type Call } from './command.js';

const reason = text({ flags: '--reason <text>', summary: 'why, for everyone who meets the host meanwhile' });
const force = flag({
  flags: '--force',
  summary: 'also where the capacity does not do, or the agent is away',
});
const noop = flag({ flags: '--noop', summary: 'show what would happen; exit 2 when something would' });
const wait = flag({ flags: '--wait', summary: 'follow the guests until all is done, at most two hours' });

export const drainOptions = { reason, force, noop } as const;
export const maintenanceOptions = {
  guests: text({ flags: '--guests <what>', summary: 'stop: in order; leave: they go on running' }),
  ...{ reason, force, noop, wait },
} as const;
export const resumeOptions = {
  guests: text({
    flags: '--guests <what>',
    summary: 'start (default): in order; leave: those that are off stay off',
  }),
  wait,
} as const;

export type DrainCall = Call<typeof drainOptions>;
export type MaintenanceCall = Call<typeof maintenanceOptions>;
export type ResumeCall = Call<typeof resumeOptions>;
