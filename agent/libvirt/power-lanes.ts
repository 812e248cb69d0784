/**
 * Connections for turning guests off and on, apart from those of all other calls: a save of minutes or a start must not keep
 * a tuner waiting, a hung question must not keep a save waiting, and nothing may keep a power-off waiting. Each lane has a
 * bound; a call beyond it waits within its own deadline. A connection is closed again when nobody waits for it.
 *
 * libvirtd has 20 workers by default (max_workers), and a call holds one of them as long as it lasts. Its destroy has workers
 * of its own (prio_workers). At most 4 + 8 + 10 of these calls and 5 tuners' calls are with libvirtd, and all of these only
 * when a dozen guests hang.
 */
import type { DroverError } from '../../proto/wire/errors.js';
import { CallQueue } from './call-queue.js';
import { Connection } from './connection.js';
import type { LibvirtLibrary } from './library.js';
import type { Opener } from './opener.js';

/**
 * `usual`: calls side by side; `most`: while as many of them overstay. `acpi` takes milliseconds when QEMU is well; `agent`
 * up to 65 s in libvirt, which waits for the guest to be off; `slow` is start and save; `off` ends by itself in 15 s or so.
 */
const laneSizes = {
  acpi: { usual: 2, most: 4, lateMs: 500 },
  agent: { usual: 8, most: 8 },
  slow: { usual: 8, most: 10 },
  off: { usual: 8, most: 8 },
} as const;

export type Lane = keyof typeof laneSizes;

/** Threads that hang at most in these calls; see `open-hypervisor.ts`. */
export const powerThreads = Object.values(laneSizes).reduce((sum, { most }) => sum + most, 0);

export interface PowerLanesOptions {
  readonly library: LibvirtLibrary;
  readonly opener: Opener;
  readonly queueLimit: number;
  readonly deadlineMs: number;
}

export class PowerLanes {
  readonly queues: Readonly<Record<Lane, CallQueue<Connection>>>;
  readonly #connections: Connection[] = [];

  constructor(options: PowerLanesOptions) {
    const lane = (name: Lane) => this.#lane(options, laneSizes[name]);
    this.queues = { acpi: lane('acpi'), agent: lane('agent'), slow: lane('slow'), off: lane('off') };
  }

  #lane(
    { library, opener, queueLimit, deadlineMs }: PowerLanesOptions,
    { most, ...size }: { readonly usual: number; readonly most: number; readonly lateMs?: number },
  ): CallQueue<Connection> {
    // One more than calls have: a queue keeps its last slot for calls without a key, and these all have one.
    const slots = Array.from({ length: most + 1 }, () => new Connection(library, opener));
    this.#connections.push(...slots);
    return new CallQueue({ ...size, slots, queueLimit, deadlineMs, rest: (used) => used.close() });
  }

  /** The connection to libvirtd was lost or made anew. */
  doubt(): void {
    for (const connection of this.#connections) connection.doubt();
  }

  rejectWaiting(error: (label: string) => DroverError): void {
    for (const queue of Object.values(this.queues)) queue.rejectWaiting(error);
  }

  /** Done when every call has returned from libvirt and the connections are given back. */
  async close(): Promise<void> {
    await Promise.all(Object.values(this.queues).map((queue) => queue.drained()));
    for (const connection of this.#connections) {
      await connection.close();
      connection.dispose();
    }
  }
}
