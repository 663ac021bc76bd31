import type { Server } from 'node:http';
import { type BgpFile, readBgpFile } from '#settings/bgp-file.ts';
import { ConfigError } from '#settings/toml-file.ts';
import { isListenFault, listenFault } from '#telemetry/listen-fault.ts';
import { createLogger, type Logger, levelFrom } from '#telemetry/logger.ts';
import { serveAdminHttp } from '../admin/http.ts';
import { AdminSocketError, serveAdminSocket } from '../admin/socket.ts';
import { StartError } from '../start-error.ts';
import { FileSpeaker } from './speaker.ts';

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

const onReload = (path: string, speaker: FileSpeaker, log: Logger): void => {
  process.on('SIGHUP', () => {
    try {
      speaker.change(readBgpFile(path, OPTION));
      log.info('read again', { neighbors: speaker.neighbourCount });
    } catch (error) {
      if (!isForPeople(error)) throw error;
      log.error('not read again; what was in force stays', { reason: error.message });
    }
  });
};

const serveMetrics = async (listen: string, speaker: FileSpeaker): Promise<Server> => {
  try {
    return await serveAdminHttp(listen, speaker);
  } catch (error) {
    throw isListenFault(error) ? new StartError(listenFault(listen, error, 'metrics')) : error;
  }
};

const run = async (file: BgpFile, path: string, log: Logger): Promise<number> => {
  const stopped = stopSignal();
  const gone = Promise.withResolvers<string>();
  const speaker = new FileSpeaker(file, path, log, gone.resolve);
  await speaker.ready();
  const servers: { close(): void }[] = [];
  try {
    servers.push(
      await serveAdminSocket(file.socket, 'bgp', {
        status: () => speaker.status(),
        explain: (request) => speaker.explain(request),
        routes: (request) => speaker.routes(request),
        dump: (request) => speaker.dump(request),
        retry: (request) => speaker.retry(request),
      }),
    );
    if (file.metrics !== undefined) servers.push(await serveMetrics(file.metrics, speaker));
  } catch (error) {
    for (const server of servers) server.close();
    await speaker.stop();
    throw error;
  }
  onReload(path, speaker, log);
  log.info('running', { as: file.as, neighbors: speaker.neighbourCount, socket: file.socket });
  const reason = await Promise.race([stopped.then(() => undefined), gone.promise]);
  for (const server of servers) server.close();
  if (reason !== undefined) {
    log.error('ended', { reason });
    return 1;
  }
  log.info('stopping');
  await speaker.stop();
  return 0;
};

/** `cloudbridge bgp run`. @param path of the configuration @returns the exit code */
export const runBgp = async (path: string): Promise<number> => {
  const write = (line: string): void => void process.stderr.write(line);
  const log = createLogger({ level: levelFrom(process.env['CBR_LOG']), write, now: () => new Date() });
  try {
    return await run(readBgpFile(path, OPTION), path, log);
  } catch (error) {
    if (!isForPeople(error)) throw error;
    for (const reason of error.message.split('\n')) log.error('not started', { reason });
    return 1;
  }
};
