/** The options of `drover simulate`. */
import { list, text, type Call } from './command.js';

export const simulateOptions = {
  drainZone: list({ flags: '--drain-zone <zone>', summary: 'as if this zone were empty; may be repeated' }),
  drainAggregate: list({
    flags: '--drain-aggregate <name>',
    summary: 'as if the hosts of this aggregate were empty; may be repeated',
  }),
  drainHost: list({ flags: '--drain-host <host>', summary: 'as if this host were empty; may be repeated' }),
  ratio: list({
    flags: '--ratio <resource=ratio>',
    summary: 'as if cpu, ram or disk had this allocation ratio, such as cpu=6; may be repeated',
  }),
  ratioZone: text({ flags: '--ratio-zone <zone>', summary: '--ratio for the hosts of this zone only' }),
  ratioAggregate: text({
    flags: '--ratio-aggregate <name>',
    summary: '--ratio for the hosts of this aggregate only',
  }),
  addHosts: text({ flags: '--add-hosts <number>', summary: 'as if there were so many more hosts' }),
  like: text({ flags: '--like <host>', summary: 'with --add-hosts: what they are like, by name or id' }),
  setting: list({
    flags: '--setting <name=value>',
    summary: 'as if the scheduler had this setting; may be repeated',
  }),
  flavor: text({ flags: '--flavor <name>', summary: 'place virtual machines of this flavor' }),
  vcpus: text({ flags: '--vcpus <number>', summary: 'place ones with so many vCPUs', conflicts: ['flavor'] }),
  memory: text({
    flags: '--memory <size>',
    summary: 'and so much memory, such as 8GiB',
    conflicts: ['flavor'],
  }),
  zone: text({ flags: '--zone <zone>', summary: 'and only in this availability zone' }),
  count: text({ flags: '--count <number>', summary: 'how many, 1 to 10000 (default: 1)' }),
  seed: text({ flags: '--seed <number>', summary: 'decides between equals (default: a fresh one)' }),
} as const;

export type SimulateCall = Call<typeof simulateOptions>;
