/**
 * The control plane that the soak kills: FOLDER PORT HOSTS. Its hosts need no agents. Writes how to reach it to
 * FOLDER/reach.json the first time, and a line to standard output once every host is in service.
 */
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { checkConfig } from '../../controlplane/config.js';
import { startControlPlane } from '../../controlplane/main.js';
import { reachOf, serveHosts } from '../bench/claims-fleet.js';

/** A small host: full with a dozen machines. */
export const soakHost = { vcpus: 32, memoryBytes: 64 * 2 ** 30, diskBytes: 2 ** 40 };

async function main(folder: string, port: string, hosts: string): Promise<void> {
  const config = checkConfig(
    {
      ...{ state_directory: folder, listen: `127.0.0.1:${port}`, enrol_listen: '127.0.0.1:0' },
      ...{ cpu_allocation_ratio: 1, reserved_host_memory_mb: 0, claim_ttl_seconds: 0 },
    },
    'soak',
  );
  const quiet = { info: () => undefined, warn: () => undefined };
  const plane = await startControlPlane(config, quiet);
  const reach = join(folder, 'reach.json');
  if (!existsSync(reach)) writeFileSync(reach, JSON.stringify(await reachOf(plane, 'soak')));
  await serveHosts(plane, Number(hosts), () => soakHost);
  process.stdout.write('ready\n');
}

process.noDeprecation = true;
const [folder, port, hosts] = process.argv.slice(2);
if (process.argv[1]?.endsWith('soak/control-plane.js')) await main(folder ?? '', port ?? '', hosts ?? '');
