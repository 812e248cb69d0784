/** The keys that a zod schema takes, through optional, refined, listed and nested ones. */
import type { z } from 'zod';

interface Definition {
  readonly type: string;
  readonly shape?: Readonly<Record<string, Schema>>;
  readonly innerType?: Schema;
  readonly element?: Schema;
  readonly valueType?: Schema;
  readonly in?: Schema;
  readonly options?: readonly Schema[];
}

interface Schema {
  readonly def: Definition;
}

/** Keys of an object, or of what stands in an optional one; none of what is no object. */
export function topKeys(schema: z.ZodType): string[] {
  return Object.keys((schema as unknown as Schema).def.shape ?? {});
}

/** Keys at every depth, each once for each place where it stands. Keys that are data (names of sysctls) are none. */
export function keysBelow(schema: z.ZodType): string[] {
  return below(schema);
}

function below({ def }: Schema): string[] {
  const { shape = {}, innerType, element, valueType, in: input, options = [] } = def;
  const inside = [innerType, element, valueType, input, ...options].filter((one) => one !== undefined);
  return [
    ...Object.entries(shape).flatMap(([key, value]) => [key, ...below(value)]),
    ...inside.flatMap(below),
  ];
}
