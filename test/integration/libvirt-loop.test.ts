/** libvirt's one event loop, shared by all who are connected in a process. By libvirt's own test driver, without a daemon. */
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import t from 'tap';
import { openLibrary } from '../../agent/libvirt/library.js';

function libraryMissing(): string | false {
  try {
    openLibrary();
    return false;
  } catch (error) {
    return (error as Error).message;
  }
}

const rounds = 300;
/** What `close` waits for at most. */
const deadlineMs = 5_000;

t.setTimeout(120_000);
void t.test(
  'hypervisors that come and go side by side close, and their process ends',
  { skip: libraryMissing() },
  async (t) => {
    const program = fileURLToPath(new URL('../support/many-hypervisors.js', import.meta.url));
    const env = { ...process.env, UV_THREADPOOL_SIZE: '48' };
    const { stdout } = await promisify(execFile)(process.execPath, [program, String(rounds)], {
      ...{ env, timeout: 100_000, killSignal: 'SIGKILL' },
    });
    t.ok(Number(stdout) < deadlineMs, `the slowest close took ${Number(stdout).toFixed(0)} ms`);
  },
);
