/** Small made-up trees of /proc and /sys for tests. */
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { HostRoot } from '../../../../agent/kernel/root.js';

/** Path to content; an object with `link` makes a symbolic link. */
export type TreeFiles = Record<string, string | { link: string }>;

/** Makes a tree in a temporary directory that is removed when the test ends. */
export function makeTree(t: { teardown(after: () => void): void }, files: TreeFiles): HostRoot {
  const path = mkdtempSync(join(tmpdir(), 'drover-tree-'));
  t.teardown(() => rmSync(path, { recursive: true, force: true }));
  for (const [file, content] of Object.entries(files)) {
    const whole = join(path, file);
    mkdirSync(dirname(whole), { recursive: true });
    if (typeof content === 'string') writeFileSync(whole, content);
    else symlinkSync(content.link, whole);
  }
  return new HostRoot(path);
}

/** Puts one directory before every path. */
export function under(directory: string, files: TreeFiles): TreeFiles {
  return Object.fromEntries(Object.entries(files).map(([file, content]) => [join(directory, file), content]));
}
