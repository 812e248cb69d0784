/** A `Run` into a virtual machine: helpers that take one work there as on a host in namespaces. */
import { CommandError, type Run } from '../../scripts/hypervisor/command.js';
import type { GuestAgent } from './guest-agent.js';

/** Everything takes ten to twenty times as long as outside. */
const slowness = 20;

/** Programs run one after the other: the guest agent takes one question at a time. */
export function machineRun(agent: GuestAgent): Run {
  let before: Promise<unknown> = Promise.resolve();
  return (argv, options = {}) => {
    const mine = before.then(() => runOnce(agent, argv, options));
    before = mine.catch(() => undefined);
    return mine;
  };
}

const runOnce = async (
  agent: GuestAgent,
  argv: readonly string[],
  { input = '', timeoutMs = 10_000 }: NonNullable<Parameters<Run>[1]>,
): Promise<string> => {
  const words = argv.map(quoted).join(' ');
  const fed = `printf %s ${quoted(Buffer.from(input).toString('base64'))} | base64 -d | ${words}`;
  const { code, stdout, output } = await agent.shell(input === '' ? words : fed, timeoutMs * slowness);
  if (code !== 0) throw new CommandError(argv, code, `exit code ${code}`, output);
  return stdout;
};

/** One word of a POSIX shell. */
const quoted = (word: string): string => `'${word.replaceAll("'", String.raw`'\''`)}'`;
