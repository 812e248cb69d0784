/** The options of `drover operation start`. */
import { flag, text, type Call } from './command.js';

export const startOptions = {
  profile: text({
    flags: '--profile <file>',
    summary: 'settings of this YAML file, not the desired state of the host',
  }),
  deadline: text({
    flags: '--deadline <seconds>',
    summary: 'longest time for the host, 1 to 300 (default: 30)',
  }),
  detach: flag({ flags: '--detach', summary: 'do not wait for the result' }),
} as const;

export type StartCall = Call<typeof startOptions>;
