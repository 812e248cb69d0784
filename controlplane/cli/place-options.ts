/** The options of `drover place`. */
import { flag, list, text, type Call } from './command.js';

/** What a virtual machine is made of; a flavor says all of it. */
const amounts = {
  vcpus: text({ flags: '--vcpus <number>', summary: 'vCPUs', conflicts: ['flavor'] }),
  memory: text({
    flags: '--memory <size>',
    summary: 'memory with its unit, such as 8GiB',
    conflicts: ['flavor'],
  }),
  disk: text({
    flags: '--disk <size>',
    summary: 'root disk with its unit, such as 20GiB',
    conflicts: ['rootGb', 'flavor'],
  }),
  rootGb: text({
    flags: '--root-gb <GiB>',
    summary: 'root disk, as a flavor says it',
    conflicts: ['flavor'],
  }),
  ephemeralGb: text({ flags: '--ephemeral-gb <GiB>', summary: 'ephemeral disk', conflicts: ['flavor'] }),
  swapMb: text({ flags: '--swap-mb <MiB>', summary: 'swap disk', conflicts: ['flavor'] }),
} as const;

/** What a request says of a virtual machine and of where it may go. */
export const requestOptions = {
  flavor: text({ flags: '--flavor <name>', summary: 'flavor; otherwise --vcpus and --memory are needed' }),
  ...amounts,
  zone: text({ flags: '--zone <zone>', summary: 'only hosts of this availability zone' }),
  extraSpec: list({
    flags: '--extra-spec <key=value>',
    summary: 'extra spec, added to those of the flavor, such as hw:cpu_policy=dedicated; may be repeated',
  }),
  image: text({ flags: '--image <id>', summary: 'id of the image' }),
  imageProperty: list({
    flags: '--image-property <key=value>',
    summary: 'property of the image, such as hw_architecture=aarch64; may be repeated',
  }),
  hint: list({
    flags: '--hint <key=value>',
    summary: 'scheduler hint, such as different_host=UUID; may be repeated, also with the same key',
  }),
  group: text({ flags: '--group <group>', summary: 'server group, by name or id' }),
  project: text({ flags: '--project <id>', summary: 'project that it is for' }),
  instance: text({ flags: '--instance <uuid>', summary: 'UUID of the virtual machine' }),
  ignoreHost: list({ flags: '--ignore-host <name>', summary: 'not this host; may be repeated' }),
  forceHost: list({
    flags: '--force-host <name>',
    summary: 'only this host, without asking any filter; may be repeated',
  }),
  bootFromVolume: flag({ flags: '--boot-from-volume', summary: 'it boots from a volume' }),
} as const;

export const placeOptions = {
  ...requestOptions,
  alternates: text({
    flags: '--alternates <number>',
    summary: 'hosts to name after the best, 0 to 100 (default: 2)',
    conflicts: ['claim', 'explain'],
  }),
  seed: text({
    flags: '--seed <number>',
    summary: 'decides between equals: the same seed and revision, the same host (default: a fresh one)',
    conflicts: ['explain'],
  }),
  claim: flag({ flags: '--claim', summary: 'take the resources on the best host' }),
  key: text({
    flags: '--key <text>',
    summary: 'with --claim: the same key again answers the same allocation',
  }),
  explain: flag({
    flags: '--explain',
    summary: 'say for each host why it passes or not, and what would let more pass; nothing is taken',
    conflicts: ['claim'],
  }),
} as const;

export type PlaceCall = Call<typeof placeOptions>;
export type RequestValues = Call<typeof requestOptions>['options'];
