/** Speaks to qemu-guest-agent in a virtual machine (QEMU's QGA protocol: JSON lines over a socket). */
import { once } from 'node:events';
import { createConnection, type Socket } from 'node:net';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';

export interface Ended {
  readonly code: number;
  readonly stdout: string;
  /** What the program wrote, standard output before standard error. */
  readonly output: string;
}

interface Answer {
  readonly return?: unknown;
  readonly error?: { readonly desc: string };
}

/** How long one question may take; the machine is emulated and slow. */
const answerMs = 60_000;

/** Pauses between two looks at a program grow up to this: the machine writes each look into its journal. */
const longestPauseMs = 2_000;

/** One conversation, one question at a time. */
export class GuestAgent {
  readonly #socket: Socket;
  #waiting: ((answer: Answer) => void) | undefined;

  private constructor(socket: Socket) {
    this.#socket = socket;
    createInterface({ input: socket }).on('line', (line) => this.#waiting?.(parse(line)));
  }

  /** Asks again and again until the agent in the machine answers. Errors: when the deadline passes or `gone` says why. */
  static async connect(
    path: string,
    deadlineMs: number,
    gone: () => string | undefined,
  ): Promise<GuestAgent> {
    const end = performance.now() + deadlineMs;
    for (;;) {
      const agent = await GuestAgent.#attempt(path).catch(() => undefined);
      if (agent) return agent;
      const reason = gone();
      if (reason !== undefined) throw new Error(`the machine ended while it booted: ${reason}`);
      if (performance.now() > end) throw new Error(`no answer from the machine in ${deadlineMs / 1000} s`);
      await sleep(200);
    }
  }

  static async #attempt(path: string): Promise<GuestAgent> {
    const socket = createConnection(path);
    socket.on('error', () => undefined);
    try {
      await once(socket, 'connect');
      const agent = new GuestAgent(socket);
      const id = Math.floor(Math.random() * 2 ** 31);
      await agent.#ask({ execute: 'guest-sync-delimited', arguments: { id } }, 1_000, id);
      return agent;
    } catch (error) {
      socket.destroy();
      throw error;
    }
  }

  /** Runs a shell line as root and waits for its end. Errors: when it cannot be started or overstays the deadline. */
  async shell(line: string, deadlineMs: number): Promise<Ended> {
    const argv = { path: '/bin/sh', arg: ['-c', line], 'capture-output': true };
    const { pid } = (await this.#ask({ execute: 'guest-exec', arguments: argv })) as { pid: number };
    const end = performance.now() + deadlineMs;
    for (let pauseMs = 100; performance.now() < end; pauseMs = Math.min(2 * pauseMs, longestPauseMs)) {
      const status = (await this.#ask({ execute: 'guest-exec-status', arguments: { pid } })) as Status;
      if (status.exited) return endOf(status);
      await sleep(pauseMs);
    }
    throw new Error(`${line}: not done in ${deadlineMs / 1000} s`);
  }

  close(): void {
    this.#socket.destroy();
  }

  /** The answer to one question; `expected` skips answers to earlier conversations, and the complaint about ff. */
  async #ask(question: unknown, timeoutMs = answerMs, expected?: number): Promise<unknown> {
    let timer: NodeJS.Timeout | undefined;
    try {
      return await new Promise((resolve, reject) => {
        timer = setTimeout(() => reject(new Error(`no answer in ${timeoutMs} ms`)), timeoutMs);
        this.#waiting = (answer) => {
          if (expected !== undefined && answer.return !== expected) return;
          if (answer.error) reject(new Error(answer.error.desc));
          else resolve(answer.return);
        };
        // The byte ff makes the agent drop what an earlier conversation left half said.
        if (expected !== undefined) this.#socket.write(Buffer.from([0xff]));
        this.#socket.write(`${JSON.stringify(question)}\n`);
      });
    } finally {
      clearTimeout(timer);
      this.#waiting = undefined;
    }
  }
}

interface Status {
  readonly exited: boolean;
  readonly exitcode?: number;
  readonly 'out-data'?: string;
  readonly 'err-data'?: string;
}

function endOf(status: Status): Ended {
  const [stdout, stderr] = [status['out-data'], status['err-data']].map((text) =>
    Buffer.from(text ?? '', 'base64').toString('utf8'),
  ) as [string, string];
  return { code: status.exitcode ?? 128, stdout, output: `${stdout}${stderr}` };
}

/** The answer to guest-sync-delimited begins with the byte ff, which UTF-8 decoding makes U+FFFD. */
function parse(line: string): Answer {
  try {
    return JSON.parse(line.replace(/^\uFFFD+/, '')) as Answer;
  } catch {
    return {};
  }
}
