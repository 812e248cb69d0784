import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, readFileSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import t from 'tap';

const program = fileURLToPath(new URL('../../../agent/bin.cjs', import.meta.url));

/** A build in which each program says where it lies, and what it was given. */
function fakeBuild(folder: string): (file: string) => string {
  const at = (file: string): string => join(folder, file);
  for (const room of ['agent/host', 'bundle']) mkdirSync(at(room), { recursive: true });
  writeFileSync(at('package.json'), '{"type":"module"}');
  copyFileSync(program, at('agent/bin.cjs'));
  for (const room of ['agent', 'bundle']) {
    const main = `export async function main(argv, env) { console.log('${room}', argv, env.UV_THREADPOOL_SIZE); }`;
    writeFileSync(at(`${room}/main.js`), main);
    const memory = `export const giveBackStartMemory = (file) => console.log('${room}', file === process.execPath);`;
    writeFileSync(at(room === 'agent' ? 'agent/host/give-back.js' : 'bundle/give-back.js'), memory);
  }
  return at;
}

t.test('the bundle is taken where it is there and not older than the compilation', async (t) => {
  const at = fakeBuild(t.testdir());
  const said = (room: string) => `${room} [ 'plan', '--x' ] 48\n${room} true\n`;
  const start = () => {
    const { UV_THREADPOOL_SIZE: _size, ...env } = process.env;
    return spawnSync(process.execPath, [at('agent/bin.cjs'), 'plan', '--x'], { encoding: 'utf8', env });
  };
  t.match(start(), { status: 0, stdout: said('bundle') }, 'a package without a record of the compiler');
  writeFileSync(at('.tsbuildinfo'), '');
  utimesSync(at('.tsbuildinfo'), 1_000, 1_000);
  utimesSync(at('bundle/main.js'), 1_001, 1_001);
  t.match(start(), { status: 0, stdout: said('bundle') }, 'bundled after the compilation');
  utimesSync(at('.tsbuildinfo'), 1_002, 1_002);
  t.match(start(), { status: 0, stdout: said('agent') }, 'compiled again since');
});

t.test('the first line is what starts it: small heaps, two arenas', async (t) => {
  const [first] = readFileSync(program, 'utf8').split('\n');
  t.equal(
    first,
    '#!/usr/bin/env -S MALLOC_ARENA_MAX=2 node --expose-gc --single-threaded-gc --max-semi-space-size=1 --max-old-space-size=512',
  );
  const unit = readFileSync(
    fileURLToPath(new URL('../../../../systemd/drover-agent.service', import.meta.url)),
    'utf8',
  );
  for (const word of first?.split(' ').filter((each) => /^--|^MALLOC/.test(each)) ?? [])
    t.ok(unit.includes(word), `the unit has ${word} too`);
});
