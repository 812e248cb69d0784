/**
 * `make soak OPERATIONS=N`: random claims, releases and moves from four clients against hosts close to full, while the control
 * plane is killed with SIGKILL every few thousand operations. After each kill and at the end the store is looked at: no host over its
 * capacity, nothing acknowledged lost, nothing twice, no group of anti-affinity together. One JSON line; exit 1 when broken.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import * as grpc from '@grpc/grpc-js';
import { loadContract } from '../proto/wire/load.js';
import type { Reach } from './bench/claims-fleet.js';
import * as check from './soak/check-store.js';
import type { Orders, Promised } from './soak/client.js';
import { soakHost } from './soak/control-plane.js';

const clients = 4;
const lanes = 8;
const hosts = 150;
const groups = 12;
/** How many operations a control plane lives for. */
const life = { least: 1_000, most: 20_000 } as const;
const limits = { vcpus: soakHost.vcpus, memoryMb: soakHost.memoryBytes / 2 ** 20 };

process.noDeprecation = true;

class Soak {
  readonly #folder = mkdtempSync(join(tmpdir(), 'drover-soak-'));
  readonly #broken: string[] = [];
  #port = 0;
  #child: ChildProcess | undefined;
  #kills = 0;
  /** Operations that the clients have done. */
  #done = 0;
  #isDone = false;

  async run(operations: number): Promise<boolean> {
    const beganMs = performance.now();
    try {
      this.#port = await freePort();
      await this.#start();
      const reach = JSON.parse(readFileSync(join(this.#folder, 'reach.json'), 'utf8')) as Reach;
      const names = await makeGroups(reach);
      const killing = this.#killAgainAndAgain();
      const promised = await Promise.all(
        Array.from({ length: clients }, (_, index) =>
          this.#client({
            name: `c${index}`,
            reach,
            seed: index + 1,
            operations: Math.ceil(operations / clients),
            lanes,
            groups: names,
          }),
        ),
      );
      this.#isDone = true;
      await killing;
      await this.#kill(promised);
      return this.#say(promised, (performance.now() - beganMs) / 1000);
    } finally {
      this.#child?.kill('SIGKILL');
      rmSync(this.#folder, { recursive: true, force: true });
    }
  }

  async #start(): Promise<void> {
    const program = fileURLToPath(new URL('soak/control-plane.js', import.meta.url));
    const child = spawn(process.execPath, [program, this.#folder, String(this.#port), String(hosts)], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    this.#child = child;
    for await (const line of createInterface({ input: child.stdout })) if (line === 'ready') return;
    throw new Error('the control plane ended before it served');
  }

  async #killAgainAndAgain(): Promise<void> {
    while (!this.#isDone) {
      const end = this.#done + life.least + Math.random() * (life.most - life.least);
      while (!this.#isDone && this.#done < end) await new Promise((resolve) => void setTimeout(resolve, 20));
      if (this.#isDone) return;
      await this.#kill();
      await this.#start();
    }
  }

  /** Ends the control plane as a power cut would end its process, and looks at what it left. */
  async #kill(promised?: readonly Promised[]): Promise<void> {
    const child = this.#child as ChildProcess;
    const ended = once(child, 'exit');
    child.kill('SIGKILL');
    await ended;
    this.#kills++;
    const stored = await check.storedAllocations(join(this.#folder, 'store'));
    const found = {
      'over capacity': check.overfull(stored, limits),
      doubled: check.doubled(stored),
      'group together': check.together(stored),
      ...(promised && {
        lost: check.lost(stored, heldBy(promised)),
        unknown: check.unknown(stored, heldBy(promised)),
      }),
    };
    process.stderr.write(`kill ${this.#kills}: ${stored.length} allocations are stored\n`);
    for (const [what, which] of Object.entries(found))
      for (const one of which) this.#broken.push(`${what}: ${one}`);
  }

  async #client(orders: Orders): Promise<Promised> {
    const program = fileURLToPath(new URL('soak/client.js', import.meta.url));
    const child = spawn(process.execPath, [program], { stdio: ['pipe', 'pipe', 'inherit'] });
    child.stdin.end(JSON.stringify(orders));
    for await (const line of createInterface({ input: child.stdout })) {
      if (line.startsWith('{')) return JSON.parse(line) as Promised;
      this.#done += Number(line);
    }
    throw new Error(`client ${orders.name} ended without its last word`);
  }

  #say(promised: readonly Promised[], seconds: number): boolean {
    const sum = (key: 'operations' | 'claimed' | 'released' | 'moved' | 'refused' | 'repeated'): number =>
      promised.reduce((total, one) => total + one[key], 0);
    const broken = [...this.#broken, ...promised.flatMap((one) => one.broken)];
    const operations = sum('operations');
    const counts = {
      claimed: sum('claimed'),
      released: sum('released'),
      moved: sum('moved'),
      refused: sum('refused'),
    };
    const line = {
      ...{
        operations,
        seconds: Math.round(seconds),
        perSecond: Math.round(operations / seconds),
        kills: this.#kills,
      },
      ...counts,
      ...{
        repeated: sum('repeated'),
        held: heldBy(promised).length,
        broken: broken.length,
        first: broken.slice(0, 20),
      },
    };
    process.stdout.write(`${JSON.stringify(line)}\n`);
    return broken.length === 0;
  }
}

function heldBy(promised: readonly Promised[]): Promised['held'][number][] {
  return promised.flatMap(({ held }) => held);
}

/** Server groups of anti-affinity, by id. */
async function makeGroups({ address, authorityPem, keyPem, certificatePem }: Reach): Promise<string[]> {
  const [authority, key, certificate] = [authorityPem, keyPem, certificatePem].map((pem) => Buffer.from(pem));
  const credentials = grpc.credentials.createSsl(authority, key, certificate);
  const catalog = new (loadContract().Catalog)(address, credentials);
  const make = (index: number): Promise<string> =>
    new Promise((resolve, reject) =>
      catalog.createServerGroup(
        { serverGroup: { name: `soak-${index}`, policy: 'anti-affinity' } },
        (error, group) => (error || !group ? reject(error ?? new Error('no group')) : resolve(group.id)),
      ),
    );
  const ids = await Promise.all(Array.from({ length: groups }, (_, index) => make(index)));
  catalog.close();
  return ids;
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  return typeof address === 'object' && address ? address.port : 0;
}

const operations = Number(process.argv[2] ?? 1_000_000);
if (!Number.isInteger(operations) || operations < 1) {
  process.stderr.write(`soak: got ${process.argv[2]}; want a whole number of operations\n`);
  process.exit(64);
}
process.exit((await new Soak().run(operations)) ? 0 : 1);
