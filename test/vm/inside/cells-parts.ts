/**
 * What is tested with cgroup v2 and two cells, in this order: two domains live through all of it, one that writes and one
 * that computes. Each takes a whole emulated CPU, so each is suspended but for the parts that measure it.
 */
import { wireNames } from '../../../proto/output/wire-names.js';
import { checkBootFile } from './boot-file.js';
import { checkCommands } from './commands.js';
import { checkDisk, checkWeight } from './disk.js';
import { checkFacts, type Facts } from './facts.js';
import { endGuest, startGuest, untilWrites, virsh } from './guests.js';
import { placeOf } from './kernel-files.js';
import { checkOwner } from './owner.js';
import { checkPages } from './pages.js';
import type { Parts } from './part.js';
import { checkService } from './service.js';
import { checkShares } from './shares.js';
import { checkSlice } from './slice.js';

const writer = 'vm-writer';
const spinner = 'vm-spinner';
const writerPlace = () => placeOf(writer, 'vda');

export const cellsParts: Parts = {
  facts: async (checks, host) => {
    checkFacts(checks, wireNames(await host.facts()) as Facts);
  },
  'the writer': async () => {
    await untilWrites(await startGuest(writer, { guest: 'write', vcpus: 2 }));
  },
  'disk limits': (checks, host) => checkDisk(checks, host, writer, writerPlace()),
  'the writer pauses': async () => {
    await virsh('suspend', writer);
  },
  'disk weights': (checks, host) => checkWeight(checks, host, writerPlace()),
  slice: (checks, host) => checkSlice(checks, host, writerPlace()),
  commands: (checks, host) => checkCommands(checks, host, writerPlace()),
  'the writer ends': () => endGuest(writer),
  shares: async (checks, host) => {
    await checkShares(checks, host, await startGuest(spinner, { guest: 'busy', vcpus: 2 }));
    await endGuest(spinner);
  },
  pages: checkPages,
  owner: checkOwner,
  'boot file': checkBootFile,
  service: checkService,
};
