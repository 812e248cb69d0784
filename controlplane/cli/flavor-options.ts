/** The options of `drover flavor set`. */
import { list, text, type Call } from './command.js';

export const flavorOptions = {
  vcpus: text({ flags: '--vcpus <number>', summary: 'vCPUs; needed for a new flavor' }),
  memory: text({
    flags: '--memory <size>',
    summary: 'memory with its unit, such as 8GiB; needed for a new flavor',
  }),
  disk: text({
    flags: '--disk <size>',
    summary: 'root disk with its unit, such as 20GiB',
    conflicts: ['rootGb'],
  }),
  rootGb: text({ flags: '--root-gb <GiB>', summary: 'root disk in GiB' }),
  ephemeralGb: text({ flags: '--ephemeral-gb <GiB>', summary: 'ephemeral disk' }),
  swapMb: text({ flags: '--swap-mb <MiB>', summary: 'swap disk' }),
  extraSpec: list({ flags: '--extra-spec <key=value>', summary: 'set an extra spec; may be repeated' }),
  unsetSpec: list({ flags: '--unset-spec <key>', summary: 'remove an extra spec; may be repeated' }),
} as const;

export type FlavorCall = Call<typeof flavorOptions>;
