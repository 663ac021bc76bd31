import type { Server } from 'node:http';
import { ConfigError } from '#settings/toml-file.ts';
import { readXdpFile } from '#settings/xdp-file.ts';
import { isListenFault, listenFault } from '#telemetry/listen-fault.ts';
import { createLogger, type Logger, levelFrom } from '#telemetry/logger.ts';
import { serveAdminHttp } from '../admin/http.ts';
import { AdminSocketError, serveAdminSocket } from '../admin/socket.ts';
import { StartError } from '../start-error.ts';
import type { CheckNotice } from './checks/health-checks.ts';
import { FileFront } from './front-of-file.ts';

/** How often ways to backends are looked for. */
const REFRESH_MS = 1000;
/** Those that were asked for at the start are answered by then. */
const FIRST_REFRESH_MS = 100;

/** Windows of detectors are as long. */
const LOOK_MS = 100;

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

const onReload = (path: string, front: FileFront, log: Logger): void => {
  process.on('SIGHUP', () => {
    try {
      front.change(readXdpFile(path, OPTION));
      log.info('read again', { listed: front.status().listed });
    } catch (error) {
      if (!isForPeople(error)) throw error;
      log.error('not read again; what was in force stays', { reason: error.message });
    }
  });
};

const logNotice = (log: Logger, notice: CheckNotice): void => {
  const { service } = notice;
  if (notice.of === 'backend') {
    const { backend, state, reason } = notice;
    log[state === 'up' ? 'info' : 'warn'](`a backend is ${state}`, { service, backend, reason });
  } else if (notice.isPanicking) log.error('no backend is well by its checks: all are used', { service });
  else log.info('a backend is well again: others are used no more', { service });
};

const serveMetrics = async (listen: string, front: FileFront): Promise<Server> => {
  try {
    return await serveAdminHttp(listen, front);
  } catch (error) {
    throw isListenFault(error) ? new StartError(listenFault(listen, error, 'metrics')) : error;
  }
};

const run = async (name: string, path: string, log: Logger): Promise<number> => {
  const file = readXdpFile(path, OPTION);
  const stopped = stopSignal();
  const front = new FileFront(
    name,
    file,
    path,
    (notice) => logNotice(log, notice),
    (type, attack) => log.warn(`attack ${type}`, { ...attack }),
  );
  const servers: { close(): void }[] = [];
  try {
    servers.push(await serveAdminSocket(file.socket, 'xdp', { status: () => front.status() }));
    if (file.metrics !== undefined) servers.push(await serveMetrics(file.metrics, front));
  } catch (error) {
    for (const server of servers) server.close();
    front.stop();
    throw error;
  }
  onReload(path, front, log);
  const first = setTimeout(() => front.refresh(), FIRST_REFRESH_MS);
  const ways = setInterval(() => front.refresh(), REFRESH_MS);
  const looks = setInterval(() => front.look(), LOOK_MS);
  const { mode, listed } = front.status();
  log.info('attached', { interface: name, mode, listed, socket: file.socket });
  await stopped;
  clearTimeout(first);
  clearInterval(ways);
  clearInterval(looks);
  for (const server of servers) server.close();
  log.info('stopping');
  front.stop();
  return 0;
};

/** `cloudbridge xdp run`. @param name of the interface @param path of the configuration @returns the exit code */
export const runXdp = async (name: string, path: string): Promise<number> => {
  const write = (line: string): void => void process.stderr.write(line);
  const log = createLogger({ level: levelFrom(process.env['CBR_LOG']), write, now: () => new Date() });
  try {
    return await run(name, path, log);
  } catch (error) {
    if (!isForPeople(error)) throw error;
    for (const reason of error.message.split('\n')) log.error('not started', { reason });
    return 1;
  }
};
