/** The options of `drover aggregate create` and `set`. */
import { list, text, type Call } from './command.js';

const zone = text({
  flags: '--zone <zone>',
  summary: 'availability zone of its hosts (metadata availability_zone)',
});
const metadata = list({
  flags: '--metadata <key=value>',
  summary: 'set metadata, such as cpu_allocation_ratio=8.0; may be repeated',
});

export const createOptions = {
  zone,
  metadata,
  host: list({ flags: '--host <host>', summary: 'a host in it, by name or id; may be repeated' }),
} as const;

export const setOptions = {
  zone,
  metadata,
  unset: list({ flags: '--unset <key>', summary: 'remove metadata; may be repeated' }),
} as const;

export type CreateCall = Call<typeof createOptions>;
export type SetCall = Call<typeof setOptions>;
