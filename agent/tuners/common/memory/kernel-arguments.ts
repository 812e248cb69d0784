/** Arguments of a kernel command line, compared as the kernel reads them. Pure. */

/** Arguments that add up: each one counts, wherever it stands. Of all others the kernel takes the last. */
const repeatable = new Set(['console', 'earlycon', 'hugepagesz', 'memmap', 'module_blacklist', 'dyndbg']);

/** The kernel's own part of a command line, one entry for each argument; what follows `--` is for init. Quotes hold spaces together. */
export function splitArguments(line: string): string[] {
  const words: string[] = line.match(/(?:[^\s"]|"[^"]*"?)+/g) ?? [];
  const end = words.indexOf('--');
  return end < 0 ? words : words.slice(0, end);
}

/** Name, value. `hugepages` belongs to the `hugepagesz` before it, so it is named with that. Kernels take - and _ as equal in names. */
function entriesOf(words: readonly string[]): [name: string, value: string][] {
  let size = '';
  return words.map((word) => {
    const [name = '', ...rest] = word.split('=');
    const value = rest.join('=');
    const plain = name.replaceAll('-', '_');
    if (plain === 'hugepagesz') size = value;
    return [plain === 'hugepages' ? `hugepages of ${size}` : plain, value];
  });
}

/** Those of the wanted arguments that a command line does not have in force. */
export function missingArguments(line: string, wanted: readonly string[]): string[] {
  const running = entriesOf(splitArguments(line));
  const last = new Map(running);
  return entriesOf(wanted).flatMap(([name, value], index) => {
    const there = repeatable.has(name)
      ? running.some((entry) => entry[0] === name && entry[1] === value)
      : last.get(name) === value;
    return there ? [] : [wanted[index] as string];
  });
}
