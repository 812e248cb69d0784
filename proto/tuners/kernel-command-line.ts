/** Arguments of the kernel command line. Kernel: Documentation/admin-guide/kernel-parameters.rst. */
import { z } from 'zod';
import { common } from './common.js';

/** The kernel takes 2,048 bytes on x86-64 (COMMAND_LINE_SIZE), its own and others' arguments included. */
export const longestArguments = 1_024;

/** Arguments that may keep the host from starting, by name; the reason is what people read. */
const startProcess = 'it says which program or system the host starts with';
const rootDisk = 'it says which disk the host starts from';
const security = "it switches the kernel's protection of the host";
const refused: Readonly<Record<string, string>> = {
  ...Object.fromEntries(
    ['init', 'rdinit', 'single', 's', 'S', '1', 'emergency', 'rescue', 'break', 'rd.break', '--', '-'].map(
      (name) => [name, startProcess],
    ),
  ),
  ...Object.fromEntries(
    [
      'root',
      'rootfstype',
      'rootflags',
      'rootdelay',
      'ro',
      'rw',
      'initrd',
      'noinitrd',
      'resume',
      'BOOT_IMAGE',
    ].map((name) => [name, rootDisk]),
  ),
  ...Object.fromEntries(
    ['selinux', 'enforcing', 'apparmor', 'security', 'lsm', 'lockdown'].map((name) => [name, security]),
  ),
};

/** Why an argument is not taken; undefined: it is. */
export function refusedArgument(argument: string): string | undefined {
  const name = argument.split('=')[0] as string;
  const reason = Object.hasOwn(refused, name) ? refused[name] : undefined;
  if (reason !== undefined) return reason;
  return /^systemd\.(unit|mask|wants|run|debug)/.test(name) ? startProcess : undefined;
}

const argument = z
  .string()
  .max(255)
  // The file is read by a shell and then by GRUB: no quotes, spaces, $, backslash or other signs that either one acts on.
  .regex(/^[A-Za-z0-9_][A-Za-z0-9_.,:=@+/*%^~-]*$/, {
    error: 'name or name=value of letters, digits and _ . , : = @ + / * % ^ ~ - (no spaces, quotes, $)',
  })
  .superRefine((value, context) => {
    const reason = refusedArgument(value);
    if (reason !== undefined)
      context.addIssue({ code: 'custom', message: `${value} is not taken: ${reason}` });
  });

export const kernelCommandLine = z.strictObject({
  arguments: z
    .array(argument)
    .min(1)
    .max(64)
    .refine((all) => all.join(' ').length <= longestArguments, {
      error: `at most ${longestArguments} characters together`,
    })
    .describe('arguments in their order, such as [hugepagesz=1G, hugepages=16]'),
  update_bootloader: z
    .boolean()
    .optional()
    .describe('true: run update-grub after each change of the file; absent: the operator does'),
  ...common('kernel-command-line'),
});

export type KernelCommandLineSettings = z.infer<typeof kernelCommandLine>;
