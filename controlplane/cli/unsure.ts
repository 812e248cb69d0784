/** A change that got no answer: only its key can tell whether it was made. */
import { DroverError } from '../../proto/wire/errors.js';

/** Throws what was thrown; where no answer came, with how to repeat the command. `does`: what the key answers then. */
export function unsure(thrown: unknown, key: string, does: string): never {
  const isLost =
    thrown instanceof DroverError && (thrown.code === 'deadline-exceeded' || thrown.code === 'unavailable');
  if (!isLost) throw thrown;
  const { code, message, field, value } = thrown;
  const cure = `repeat the command with --key ${key}: it answers ${does} otherwise`;
  throw new DroverError(code, message, {
    ...(field && { field }),
    ...(value && { value }),
    cure,
    cause: thrown,
  });
}
