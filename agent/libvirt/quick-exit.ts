/** Ends the process although a foreign call is stuck. */
import koffi from 'koffi';
import { exitCodes } from '../../proto/wire/errors.js';

/**
 * Ends the process at once with libc's `_exit(code)`, 0..255. `process.exit` waits for every thread of libuv's pool, thus
 * without limit for a libvirt call that hangs. Nothing is flushed and no exit handler runs: write what must be kept before.
 */
export function quickExit(code: number = exitCodes.ok): never {
  koffi.load('libc.so.6').func('void _exit(int)')(code);
  throw new Error('_exit came back');
}
