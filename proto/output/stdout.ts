/** Writing to a stream whose reader may leave: `drover host list | head -1` is not an error. */
import type { Writable } from 'node:stream';

/** What a program writes to, and what it must know of it. */
export type TextStream = Writable & { readonly isTTY?: boolean; readonly columns?: number };

/**
 * Writes `text` and resolves when the stream has taken it, so that a program may end. Answers `closed` when the reader has
 * gone (EPIPE), which ends a pipeline as it should. Any other failure is thrown as it is.
 */
export async function writeText(stream: TextStream, text: string): Promise<'written' | 'closed'> {
  if (text === '') return 'written';
  if (stream.destroyed || stream.writableEnded) return 'closed';
  try {
    await new Promise<void>((resolve, reject) => {
      // A failed write calls back and also emits `error`; without this listener the latter would end the process.
      const ignore = () => undefined;
      stream.once('error', ignore);
      stream.write(text, (error) => {
        if (error) return reject(error);
        stream.off('error', ignore);
        resolve();
      });
    });
    return 'written';
  } catch (error) {
    if (isClosed(error)) return 'closed';
    throw error;
  }
}

function isClosed(error: unknown): boolean {
  const code = (error as NodeJS.ErrnoException).code;
  return code === 'EPIPE' || code === 'ERR_STREAM_DESTROYED' || code === 'ERR_STREAM_WRITE_AFTER_END';
}
