export const LEVELS = ['error', 'warn', 'info', 'debug'] as const;
export type Level = (typeof LEVELS)[number];

/** What a line says besides its message. Values under names that sound like secrets are never shown. */
export type Fields = Readonly<Record<string, unknown>>;

export type Logger = Readonly<Record<Level, (message: string, fields?: Fields) => void>> & {
  /** A logger whose lines also carry `fields`. */
  with(fields: Fields): Logger;
};

export type LoggerOptions = {
  /** Lines less grave than this are not written. `CBR_LOG` names it. */
  readonly level: Level;
  readonly write: (line: string) => void;
  readonly now: () => Date;
};

const SECRET = /token|secret|password|authorization|cookie|private|_key$|^key$|Key$/i;

const withoutSecrets = (key: string, value: unknown): unknown => {
  if (key !== '' && SECRET.test(key)) return '[redacted]';
  if (typeof value === 'bigint') return value.toString();
  return value instanceof Error ? { name: value.name, message: value.message, stack: value.stack } : value;
};

/** The level that an environment variable names; anything else means `info`. */
export const levelFrom = (text: string | undefined): Level => LEVELS.find((level) => level === text) ?? 'info';

/** Writes one JSON object a line: `time` (RFC 3339), `level`, `message`, then the fields. */
export const createLogger = (options: LoggerOptions, base: Fields = {}): Logger => {
  const line =
    (level: Level) =>
    (message: string, fields: Fields = {}): void => {
      if (LEVELS.indexOf(level) > LEVELS.indexOf(options.level)) return;
      const entry = { time: options.now().toISOString(), level, message, ...base, ...fields };
      options.write(`${JSON.stringify(entry, withoutSecrets)}\n`);
    };
  return {
    error: line('error'),
    warn: line('warn'),
    info: line('info'),
    debug: line('debug'),
    with: (fields) => createLogger(options, { ...base, ...fields }),
  };
};
