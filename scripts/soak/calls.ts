/** Calls of the soak's clients: repeated while the control plane is away, because then nobody knows what became of them. */
import * as grpc from '@grpc/grpc-js';
import { fromServiceError } from '../../proto/wire/remote-error.js';

/** Errors after which a call is made again: the same key stands for the same claim. */
const unknown = new Set([
  grpc.status.UNAVAILABLE,
  grpc.status.CANCELLED,
  grpc.status.DEADLINE_EXCEEDED,
  grpc.status.UNKNOWN,
]);
const pauseMs = 100;
const patienceMs = 600_000;

type Callback<Answer> = (error: grpc.ServiceError | null, answer?: Answer) => void;

export interface Answered<Answer> {
  readonly answer: Answer;
  /** The call was made more than once: an earlier one may have been done. */
  readonly repeated: boolean;
}

/** The call's answer. Errors: `Refusal` for what the control plane refuses; a plain `Error` when it stays away. */
export async function answerOf<Answer>(
  call: (options: grpc.CallOptions, callback: Callback<Answer>) => void,
): Promise<Answered<Answer>> {
  const beganMs = performance.now();
  for (let attempt = 0; ; attempt++) {
    const { error, answer } = await once(call);
    if (!error && answer !== undefined) return { answer, repeated: attempt > 0 };
    if (!error) throw new Error('an answer without a message');
    if (!unknown.has(error.code)) throw new Refusal(fromServiceError(error).code, attempt > 0);
    if (performance.now() - beganMs > patienceMs) throw error;
    await new Promise((resolve) => void setTimeout(resolve, pauseMs));
  }
}

function once<Answer>(
  call: (options: grpc.CallOptions, callback: Callback<Answer>) => void,
): Promise<{ error: grpc.ServiceError | null; answer?: Answer | undefined }> {
  return new Promise((resolve) =>
    call({ deadline: Date.now() + 60_000 }, (error, answer) => resolve({ error, answer })),
  );
}

/** What the control plane refuses, with Drover's code. */
export class Refusal extends Error {
  readonly code: string;
  readonly repeated: boolean;

  constructor(code: string, repeated: boolean) {
    super(code);
    this.code = code;
    this.repeated = repeated;
  }
}
