import type { Server } from 'node:http';
import { readDnsFile } from '#settings/dns-file.ts';
import { ConfigError } from '#settings/toml-file.ts';
import { isListenFault, listenFault } from '#telemetry/listen-fault.ts';
import { createLogger, type Logger, levelFrom } from '#telemetry/logger.ts';
import { serveAdminHttp } from '../admin/http.ts';
import { AdminSocketError, serveAdminSocket } from '../admin/socket.ts';
import { StartError } from '../start-error.ts';
import { FileResponder } from './responder-of-file.ts';

const OPTION = '--config';

/** Errors whose message is for people. */
const isForPeople = (error: unknown): error is Error =>
  error instanceof ConfigError ||
  error instanceof StartError ||
  error instanceof AdminSocketError ||
  (error as NodeJS.ErrnoException).code !== undefined;

const stopSignal = (): Promise<void> =>
  new Promise((resolve) => {
    for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => resolve());
  });

const onReload = (path: string, responder: FileResponder, log: Logger): void => {
  process.on('SIGHUP', () => {
    try {
      responder.change(readDnsFile(path, OPTION));
      log.info('read again');
    } catch (error) {
      if (!isForPeople(error)) throw error;
      log.error('not read again; what was in force stays', { reason: error.message });
    }
  });
};

const serveMetrics = async (listen: string, responder: FileResponder): Promise<Server> => {
  try {
    return await serveAdminHttp(listen, responder);
  } catch (error) {
    throw isListenFault(error) ? new StartError(listenFault(listen, error, 'metrics')) : error;
  }
};

const run = async (path: string, log: Logger): Promise<number> => {
  const file = readDnsFile(path, OPTION);
  const stopped = stopSignal();
  const gone = Promise.withResolvers<string>();
  const responder = new FileResponder(file, path, log, gone.resolve);
  await responder.ready();
  const servers: { close(): void }[] = [];
  try {
    servers.push(await serveAdminSocket(file.socket, 'dns', { status: () => responder.status() }));
    if (file.metrics !== undefined) servers.push(await serveMetrics(file.metrics, responder));
  } catch (error) {
    for (const server of servers) server.close();
    await responder.stop();
    throw error;
  }
  onReload(path, responder, log);
  log.info('answering', { ...responder.status(), socket: file.socket });
  const reason = await Promise.race([stopped.then(() => undefined), gone.promise]);
  for (const server of servers) server.close();
  if (reason !== undefined) {
    log.error('ended', { reason });
    return 1;
  }
  log.info('stopping');
  await responder.stop();
  return 0;
};

/** `cloudbridge dns run`. @param path of the configuration @returns the exit code */
export const runDns = async (path: string): Promise<number> => {
  const write = (line: string): void => void process.stderr.write(line);
  const log = createLogger({ level: levelFrom(process.env['CBR_LOG']), write, now: () => new Date() });
  try {
    return await run(path, log);
  } catch (error) {
    if (!isForPeople(error)) throw error;
    for (const reason of error.message.split('\n')) log.error('not started', { reason });
    return 1;
  }
};
