/**
 * libvirt ends a QEMU process and then waits until its pid is free. QEMU detaches itself, so its dead process is PID 1's
 * to collect; a PID 1 that is no init system may take seconds for it, and each stop of a domain waits that long. A parent
 * that has declared itself a subreaper (prctl(2), PR_SET_CHILD_SUBREAPER) collects it at once instead.
 */
import { arch } from 'node:process';

/** System call number of prctl by Node's name of the architecture. */
const prctl: Partial<Record<typeof arch, number>> = { x64: 157, arm64: 167 };

/** Becomes a subreaper (option 36), starts the program, and collects every process that comes to it until none is left. */
const program = (number: number) =>
  `syscall(${number}, 36, 1, 0, 0, 0); my $child = fork; if (!$child) { exec @ARGV; exit 127 } 1 while wait() != -1;`;

/** What to put before a program's argv; Perl is part of every Debian system. Empty on other architectures. */
export function reaperPrefix(architecture: typeof arch = arch): string[] {
  const number = prctl[architecture];
  return number === undefined ? [] : ['perl', '-e', program(number), '--'];
}
