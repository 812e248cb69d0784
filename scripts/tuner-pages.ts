/**
 * Makes docs/reference/tuners/ from the manuals of the tuners (proto/tuners/manual). `--check`: writes nothing and fails
 * when a page is not as its manual says.
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { manuals } from '../proto/tuners/manual/index.js';
import { tunerPage } from './tuner-pages/page.js';

const project = fileURLToPath(new URL('../..', import.meta.url));
const folder = join(project, 'docs/reference/tuners');

/** Pages by file name, as prettier leaves them. */
function pages(): Map<string, string> {
  const scratch = mkdtempSync(join(project, 'build/tuner-pages-'));
  try {
    for (const manual of manuals) writeFileSync(join(scratch, `${manual.name}.md`), tunerPage(manual));
    const prettier = join(project, 'node_modules/.bin/prettier');
    const how = [
      '--log-level',
      'warn',
      '--ignore-path',
      '/dev/null',
      '--config',
      join(project, '.prettierrc.json'),
    ];
    execFileSync(prettier, [...how, '--write', scratch], { stdio: 'inherit' });
    return new Map(
      manuals.map(({ name }) => [`${name}.md`, readFileSync(join(scratch, `${name}.md`), 'utf8')]),
    );
  } finally {
    rmSync(scratch, { recursive: true });
  }
}

function isFresh(name: string, text: string): boolean {
  try {
    return readFileSync(join(folder, name), 'utf8') === text;
  } catch {
    return false;
  }
}

const stale = [...pages()].filter(([name, text]) => !isFresh(name, text));
if (process.argv.includes('--check')) {
  for (const [name] of stale)
    console.error(`docs/reference/tuners/${name} is not as its manual says: make tuner-pages`);
  process.exitCode = stale.length > 0 ? 1 : 0;
} else {
  mkdirSync(folder, { recursive: true });
  for (const [name, text] of stale) writeFileSync(join(folder, name), text);
  console.log(`${stale.length} pages written`);
}
