import { z } from 'zod';

/** The environment does not make a configuration; the message lists every mistake. */
export class InvalidConfig extends Error {
  override name = 'InvalidConfig';
}

/**
 * Reads a configuration out of environment variables. Called once, in `main.ts`; nothing else looks at the environment.
 * An empty variable counts as unset.
 *
 * @throws InvalidConfig with every mistake at once
 */
export function parseEnvironment<T extends z.ZodType>(
  schema: T,
  env: Readonly<Record<string, string | undefined>>,
): z.infer<T> {
  const given = Object.fromEntries(Object.entries(env).filter(([, value]) => value !== undefined && value !== ''));
  const read = schema.safeParse(given);
  if (read.success) return read.data;
  const lines = read.error.issues.map(({ path, code, message }) => {
    const name = path.join('.') || 'environment';
    return `  ${name}: ${code === 'invalid_type' && !(name in given) ? notSet(schema, name) : message}`;
  });
  throw new InvalidConfig(`the configuration is not usable:\n${lines.join('\n')}`);
}

function notSet(schema: z.ZodType, name: string): string {
  const variable: unknown = schema instanceof z.ZodObject ? schema.shape[name] : undefined;
  const meaning = variable instanceof z.ZodType ? variable.description : undefined;
  return meaning === undefined ? 'is not set' : `is not set: ${meaning}`;
}

/** A TCP port; 0 lets the system choose. */
export const port = z.coerce.number().int().min(0).max(65_535);
