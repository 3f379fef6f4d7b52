import { type DestinationStream, type Logger, pino, stdTimeFunctions } from 'pino';

export type { Logger } from 'pino';

const SECRETS = ['token', 'secret', 'password', 'authorization', 'LAMINA_ATTEMPT_TOKEN', 'HF_TOKEN'];

export const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const;

export interface LoggerOptions {
  readonly name: string;
  readonly level?: (typeof LOG_LEVELS)[number];
  /** Where lines go; standard error unless given, so that standard output stays for answers. */
  readonly destination?: DestinationStream;
}

/** JSON lines; tokens, passwords and authorization headers are replaced wherever they are logged by name. */
export function createLogger({ name, level = 'info', destination = pino.destination(2) }: LoggerOptions): Logger {
  return pino(
    {
      name,
      level,
      timestamp: stdTimeFunctions.isoTime,
      redact: {
        paths: [
          ...SECRETS.flatMap((secret) => [`["${secret}"]`, `*["${secret}"]`]),
          'headers.cookie',
          'req.headers.authorization',
          'req.headers.cookie',
        ],
        censor: '[redacted]',
      },
    },
    destination,
  );
}
