/** `node bed-keeper.js BED DIRECTORY`: takes a bed down in place of an owner that died. Started by the watcher in bed-host.ts. */
import { removeBed } from './bed-state.js';

const [bed, directory] = process.argv.slice(2);
if (bed === undefined || directory === undefined) throw new Error('want a bed number and its directory');
await removeBed(Number(bed), directory);
