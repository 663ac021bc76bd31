/** A program that runs by a configuration file until it is told to stop: what `bgp run`, `dns run` and `xdp run` share. */
import { ConfigError } from '#settings/toml-file.ts';
import { createLogger, type Fields, type Logger, levelFrom } from '#telemetry/logger.ts';
import type { AdminView } from './admin/http.ts';
import { serveMetrics } from './admin/metrics.ts';
import { type AdminCommands, AdminSocketError, type Program, serveAdminSocket } from './admin/socket.ts';
import { StartError } from './start-error.ts';
import { stopSignal } from './stop-signal.ts';

const OPTION = '--config';

/** The settings that each of these files has. */
interface SharedSettings {
  readonly socket: string;
  /** `host:port`; absent: nobody is shown figures. */
  readonly metrics?: string | undefined;
}

/** What a program has started. */
export interface Started<Settings> {
  /** Whether it could start, where that shows later; `stop` follows when it could not. @throws StartError */
  readonly ready?: () => Promise<void>;
  /** What is asked at its socket. */
  readonly commands: AdminCommands;
  /** What its `metrics` show. */
  readonly view: AdminView;
  /** Becomes as another file has it. @returns what the log says of it @throws Error, and what was in force stays */
  change(settings: Settings): Fields;
  /** Is called once its sockets answer and SIGHUP is heard; says in the log that it is there. */
  running(): void;
  /** Also when it or its sockets could not be had, and `running` was not called. */
  stop(): Promise<void> | void;
}

/** What differs from program to program. */
export interface ProgramOfFile<Settings extends SharedSettings> {
  readonly program: Program;
  /** @param option that named the file, for people @throws ConfigError */
  readonly read: (path: string, option: string) => Settings;
  /**
   * Begins all but what is shared. When it throws, nothing is stopped.
   *
   * @param gone ends the program with a reason, when what it is for has ended by itself
   */
  readonly start: (settings: Settings, log: Logger, gone: (reason: string) => void) => Started<Settings>;
}

/** Errors whose message is for people; others are bugs and keep their stack. */
const isForPeople = (error: unknown): error is Error =>
  error instanceof ConfigError ||
  error instanceof StartError ||
  error instanceof AdminSocketError ||
  (error as NodeJS.ErrnoException).code !== undefined;

const onReload = <Settings>(read: () => Settings, started: Started<Settings>, log: Logger): void => {
  process.on('SIGHUP', () => {
    try {
      log.info('read again', started.change(read()));
    } catch (error) {
      if (!isForPeople(error)) throw error;
      log.error('not read again; what was in force stays', { reason: error.message });
    }
  });
};

const run = async <Settings extends SharedSettings>(
  { program, read, start }: ProgramOfFile<Settings>,
  path: string,
  log: Logger,
): Promise<number> => {
  const settings = read(path, OPTION);
  const stopped = stopSignal();
  const gone = Promise.withResolvers<string>();
  const started = start(settings, log, gone.resolve);
  const { commands, view } = started;
  const servers: { close(): void }[] = [];
  try {
    await started.ready?.();
    servers.push(await serveAdminSocket(settings.socket, program, commands));
    if (settings.metrics !== undefined) servers.push(await serveMetrics(settings.metrics, view, 'metrics'));
  } catch (error) {
    for (const server of servers) server.close();
    await started.stop();
    throw error;
  }
  onReload(() => read(path, OPTION), started, log);
  started.running();
  const reason = await Promise.race([stopped.then(() => undefined), gone.promise]);
  for (const server of servers) server.close();
  if (reason !== undefined) {
    log.error('ended', { reason });
    return 1;
  }
  log.info('stopping');
  await started.stop();
  return 0;
};

/** Logs one JSON object a line on stderr. @param path of the configuration @returns the exit code */
export const runProgram = async <Settings extends SharedSettings>(
  path: string,
  program: ProgramOfFile<Settings>,
): Promise<number> => {
  const write = (line: string): void => void process.stderr.write(line);
  const log = createLogger({ level: levelFrom(process.env['CBR_LOG']), write, now: () => new Date() });
  try {
    return await run(program, path, log);
  } catch (error) {
    if (!isForPeople(error)) throw error;
    for (const reason of error.message.split('\n')) log.error('not started', { reason });
    return 1;
  }
};
