/** Runs the agent's own program as a person would, and says how long it took. */
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { Checks } from './checks.js';
import { knobCount } from './profile.js';

const program = fileURLToPath(new URL('../../../agent/bin.cjs', import.meta.url));

export interface Setting {
  readonly tuner: string;
  readonly setting: string;
  readonly now: string;
  readonly wanted: string;
  readonly outcome: string;
  readonly reason: string;
}

export interface Answer<Message> {
  readonly code: number | null;
  readonly message: Message;
}

export type Settings = Answer<{ readonly settings: readonly Setting[]; readonly remark: string }>;

/** Runs `drover-agent ARGV…`, whose output is JSON. Errors: with what it wrote, when it is not. */
export async function agent<Message>(checks: Checks, argv: readonly string[]): Promise<Answer<Message>> {
  const begin = performance.now();
  const child = spawn(process.execPath, [program, ...argv], { stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  let complaint = '';
  child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (complaint += chunk.toString()));
  const code = await new Promise<number | null>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', resolve);
  });
  const seconds = ((performance.now() - begin) / 1000).toFixed(1);
  checks.say(`     drover-agent ${argv[0]} took ${seconds} s, exit code ${code}`);
  try {
    return { code, message: JSON.parse(output) as Message };
  } catch {
    throw new Error(`drover-agent ${argv.join(' ')}: exit code ${code}: ${complaint}${output}`);
  }
}

/** Attempts at one command. The agent gives libvirt 5 s to answer, and an emulated machine can take longer. */
const maximumAttempts = 4;

/**
 * Runs a command about settings until every knob was read in its answer: while libvirt is late those of domains are absent,
 * unsupported or without a value. `verify` counts by its last answer alone; of a knob in several answers of `apply` and
 * `revert` the first counts, for it tells what happened to it. The exit code is the last.
 */
export async function settingsOf(checks: Checks, command: string, profileFile?: string): Promise<Settings> {
  const argv = [
    command,
    ...(profileFile === undefined ? [] : ['--profile', profileFile]),
    '--output',
    'json',
  ];
  const seen = new Map<string, Setting>();
  for (let attempt = 1; ; attempt++) {
    if (command === 'verify') seen.clear();
    const { code, message }: Settings = await agent(checks, argv);
    for (const each of message.settings) {
      const key = `${each.tuner} ${each.setting}`;
      const wasRead = each.now !== '' && each.outcome !== 'unsupported';
      if (wasRead && !seen.has(key)) seen.set(key, each);
    }
    if (seen.size >= knobCount || attempt === maximumAttempts)
      return { code, message: { ...message, settings: [...seen.values()] } };
    checks.say(`     ${seen.size} of ${knobCount} knobs, libvirt was too slow: once more`);
  }
}

/** `name: outcome (reason)` of settings that came out otherwise than wanted. */
export function otherThan(outcome: string, settings: readonly Setting[]): string[] {
  return settings
    .filter((each) => each.outcome !== outcome)
    .map((each) => `${each.tuner} ${each.setting}: ${each.outcome} (${each.reason})`);
}
