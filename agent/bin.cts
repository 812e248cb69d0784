#!/usr/bin/env -S MALLOC_ARENA_MAX=2 node --expose-gc --single-threaded-gc --max-semi-space-size=1 --max-old-space-size=512
/**
 * Entry of drover-agent. CommonJS, because libuv reads UV_THREADPOOL_SIZE when its pool first starts and loading an ES
 * module already starts it: four threads would leave none for files while libvirt calls hang (agent/libvirt).
 *
 * An agent lives for months and should be small; docs/adr/0007-agent-memory.md has the figures. The first line keeps V8's
 * young generation small and its old one from growing far beyond what is in use, and lets glibc have two arenas instead
 * of one for each thread. The bundle holds only what is used. After the first pass, what only the start needed goes back.
 */
interface Main {
  main(argv: readonly string[], env: NodeJS.ProcessEnv): Promise<void>;
}
interface Memory {
  giveBackStartMemory(program: string): number;
}

process.noDeprecation = true; // grpc-js names the address in TLS also where it is an IP
process.env['UV_THREADPOOL_SIZE'] ??= '48';

/**
 * How much of a function runs before V8 optimizes it, in bytes of bytecode: an agent that works a quarter of a second in
 * thirty gains little from that. Not in the first line: from Node 22 on there is no such flag, and node would not start.
 */
const interruptBudget = 1_500_000;

async function compileLittle(): Promise<void> {
  if (Number.parseInt(process.versions.node, 10) >= 22) return;
  const { setFlagsFromString } = await import('node:v8');
  setFlagsFromString(`--interrupt-budget=${interruptBudget}`);
}

/** True when the bundle is not older than the last compilation. A package without tsc's record has only the one. */
async function bundleIsFresh(): Promise<boolean> {
  const { statSync } = await import('node:fs');
  const changedMs = (file: string) => statSync(`${__dirname}/../${file}`, { throwIfNoEntry: false })?.mtimeMs;
  const bundledMs = changedMs('bundle/main.js');
  return bundledMs !== undefined && bundledMs >= (changedMs('.tsbuildinfo') ?? 0);
}

async function run(): Promise<void> {
  await compileLittle();
  const isFresh = await bundleIsFresh();
  const [program, memory] = isFresh
    ? ['../bundle/main.js', '../bundle/give-back.js']
    : ['./main.js', './host/give-back.js'];
  const { main } = (await import(program)) as Main;
  await main(process.argv.slice(2), process.env);
  // Only `run` and `sim` come here, after their first pass: every other command has ended the process.
  const { giveBackStartMemory } = (await import(memory)) as Memory;
  giveBackStartMemory(process.execPath);
}

void run();
