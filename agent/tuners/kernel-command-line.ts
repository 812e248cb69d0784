/**
 * Arguments of the kernel command line (Documentation/admin-guide/kernel-parameters.rst): in Drover's file for GRUB, and
 * in force, which takes a restart of the host.
 */
import type { KernelCommandLineSettings } from '../../proto/tuners/kernel-command-line.js';
import { DroverError } from '../../proto/wire/errors.js';
import {
  bootFile,
  bootFileContent,
  bootFileObstacle,
  grubLine,
  parseBootFile,
  putBootFile,
  type BootArguments,
} from '../kernel/boot-file.js';
import { osProberObstacle } from '../kernel/os-prober.js';
import type { KernelRoot } from '../kernel/root.js';
import { missingArguments } from './common/memory/kernel-arguments.js';
import type { Knob, Reading, Tuner, Want } from './tuner.js';

const name = 'kernel-command-line';

const fileKnob: Knob = { tuner: name, setting: 'boot file', source: bootFile, persistent: true };
const runningKnob: Knob = { tuner: name, setting: 'running kernel', source: '/proc/cmdline' };

/** A file that is longer is not ours, and too long to be kept as an original. */
const longestFileBytes = 16 * 1024;

const absent = 'absent';
const withUpdate = ' (with update-grub)';
/** Before the content of a file that somebody else wrote, as a JSON string. */
const foreign = 'content ';

interface FileReading extends Reading {
  /** What GRUB's own configuration starts the kernel with; absent: it cannot be read. */
  readonly grub?: string | undefined;
  /** Why update-grub is not to be run here. */
  readonly prober?: string | undefined;
}

export const kernelCommandLine: Tuner<typeof name> = {
  name,
  files: [bootFile],

  async observe({ kernel }) {
    const line = kernel.read('/proc/cmdline');
    return [
      fileReading(kernel),
      {
        knob: runningKnob,
        ...(line === undefined ? { unsupported: 'there is no /proc/cmdline' } : { value: line }),
      },
    ];
  },

  want(settings, readings) {
    const file: FileReading | undefined = readings.find(({ knob }) => knob.setting === fileKnob.setting);
    const running = readings.find(({ knob }) => knob.setting === runningKnob.setting);
    return [wantFile(settings, file), wantRunning(settings, running?.value ?? '', file)];
  },

  async write({ kernel }, knob, value) {
    if (knob.setting !== fileKnob.setting)
      throw new DroverError('unsupported', 'the command line of a running kernel cannot be written');
    const now = parseBootFile(kernel.content(bootFile) ?? '');
    const next = fromText(value);
    // Undoing runs it too, where doing did.
    const update = (next.parsed ?? now)?.update ?? false;
    await putBootFile(kernel, next.content, update);
  },
};

function fileReading(kernel: KernelRoot): FileReading {
  const obstacle = bootFileObstacle(kernel);
  const content = kernel.content(bootFile);
  if (content === undefined && obstacle !== undefined) return { knob: fileKnob, unsupported: obstacle };
  if (content !== undefined && content.length > longestFileBytes)
    return {
      knob: fileKnob,
      unsupported: `${bootFile} is over ${longestFileBytes} bytes long: not Drover's`,
    };
  const prober = osProberObstacle(kernel);
  const seen = { ...grubSeen(kernel, content), prober: prober && `${prober.message}: wants ${prober.cure}` };
  return { knob: fileKnob, value: toText(content), ...seen };
}

/** Whether GRUB has taken over what the file says. */
function grubSeen(kernel: KernelRoot, content: string | undefined): Pick<FileReading, 'evidence' | 'grub'> {
  const grub = grubLine(kernel);
  const ours = content === undefined ? undefined : parseBootFile(content);
  if (grub === undefined || !ours) return { grub };
  const missing = missingArguments(grub, ours.arguments.split(' '));
  const evidence =
    missing.length === 0
      ? 'in /boot/grub/grub.cfg'
      : `not yet in /boot/grub/grub.cfg: ${missing.join(' ')}; run update-grub`;
  return { grub, evidence };
}

function toText(content: string | undefined): string {
  if (content === undefined) return absent;
  const parsed = parseBootFile(content);
  return parsed ? textOf(parsed) : `${foreign}${JSON.stringify(content)}`;
}

function textOf({ arguments: line, update }: BootArguments): string {
  return `${line}${update ? withUpdate : ''}`;
}

/** The content that a text stands for; undefined: no file. */
function fromText(text: string): { content: string | undefined; parsed?: BootArguments } {
  if (text === absent) return { content: undefined };
  if (text.startsWith(`${foreign}"`)) return { content: JSON.parse(text.slice(foreign.length)) as string };
  const update = text.endsWith(withUpdate);
  const parsed = { arguments: update ? text.slice(0, -withUpdate.length) : text, update };
  return { content: bootFileContent(parsed), parsed };
}

function wantFile(
  { arguments: wanted, update_bootloader: update = false }: KernelCommandLineSettings,
  file: FileReading | undefined,
): Want {
  const held = update ? file?.prober : undefined;
  return {
    knob: fileKnob,
    value: textOf({ arguments: wanted.join(' '), update }),
    effect: 'host-reboot',
    affects: [],
    remark: update ? 'update-grub is run after it' : 'run update-grub after it',
    ...(held !== undefined && { held }),
  };
}

function wantRunning(
  { arguments: wanted, update_bootloader: update = false }: KernelCommandLineSettings,
  line: string,
  file: FileReading | undefined,
): Want {
  const base = { knob: runningKnob, effect: 'host-reboot', affects: [] } as const;
  const missing = missingArguments(line, wanted);
  if (missing.length === 0) return { ...base, value: line };
  const inGrub = file?.grub !== undefined && missingArguments(file.grub, wanted).length === 0;
  const first = inGrub ? '' : update ? 'after update-grub, ' : 'run update-grub, then ';
  const deferred = `${missing.join(' ')}: ${file?.unsupported ?? `${first}start the host anew`}`;
  return { ...base, value: `${line} ${missing.join(' ')}`.trim(), deferred };
}
