/**
 * Decision and durable claim as a client sees them: gRPC with mutual TLS, LMDB below, 10,000 hosts. The control plane is
 * this process, the load another one, on the same cores.
 */
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { checkConfig } from '../../controlplane/config.js';
import { startControlPlane } from '../../controlplane/main.js';
import { reachOf, serveHosts } from './claims-fleet.js';
import type { Load, Seen } from './claims-generator.js';
import { print, quantile } from './figure.js';

const hosts = 10_000;
/**
 * Large enough that no claim is refused: 5 s at 50,000/s are 25 claims a host. Of different sizes, as a fleet in use has
 * different room left: not 10,000 hosts that weigh the same.
 */
const capacityOf = (index: number) => ({
  vcpus: 192 + 32 * (index % 5),
  memoryBytes: 2 ** 40 + ((index * 7919) % 10_007) * 2 ** 26,
  diskBytes: 2 ** 44 + ((index * 104_729) % 10_007) * 2 ** 30,
});

const loads = [
  { name: 'single', lanes: 32, batch: 1 },
  // One that is decided, one that is stored, one on its way: more would only wait longer.
  { name: 'batch100', lanes: 3, batch: 100 },
] as const;
/** By then the compiler has seen both programs at work. */
const warmUpSeconds = 5;

/** Rates over `seconds` each: claims one by one with 32 in flight, then PlaceMany of 100 with three in flight. */
export async function benchApiClaims(seconds = 5): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'drover-bench-'));
  const quiet = { info: () => undefined, warn: () => undefined };
  const addresses = { listen: '127.0.0.1:0', enrol_listen: '127.0.0.1:0' };
  const plane = await startControlPlane(
    checkConfig({ state_directory: folder, ...addresses }, 'bench'),
    quiet,
  );
  try {
    await serveHosts(plane, hosts, capacityOf);
    const reach = await reachOf(plane, 'bench');
    for (const { name, lanes, batch } of loads)
      await measure(name, { reach, warmUpSeconds, seconds, lanes, batch });
  } finally {
    await plane.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

async function measure(name: string, load: Load): Promise<void> {
  const before = process.cpuUsage();
  const seen = await generate(load);
  const { user, system } = process.cpuUsage(before);
  // The warm-up's calls are in this process's CPU too; its claims are about as many a second.
  const claims = seen.claims * (1 + load.warmUpSeconds / load.seconds);
  print({ name: `claims.api.${name}.rate`, value: seen.claims / seen.seconds, unit: '1/s' });
  print({ name: `claims.api.${name}.p50`, value: quantile(seen.latenciesMs, 0.5), unit: 'ms' });
  print({ name: `claims.api.${name}.p99`, value: quantile(seen.latenciesMs, 0.99), unit: 'ms' });
  print({ name: `claims.api.${name}.server-cpu`, value: (user + system) / claims, unit: 'us' });
  print({ name: `claims.api.${name}.client-cpu`, value: (seen.cpuSeconds * 1e6) / seen.claims, unit: 'us' });
}

/** Runs a load in a process of its own. Errors: a plain `Error` with what it said. */
async function generate(load: Load): Promise<Seen> {
  const program = fileURLToPath(new URL('claims-generator.js', import.meta.url));
  const child = spawn(process.execPath, [program], { stdio: ['pipe', 'pipe', 'inherit'] });
  child.stdin.end(JSON.stringify(load));
  const said = await text(child.stdout);
  if (said === '') throw new Error('the load generator ended without a word');
  return JSON.parse(said) as Seen;
}
