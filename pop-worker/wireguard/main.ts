import type { Server } from 'node:http';
import { ConfigError } from '#settings/toml-file.ts';
import { isListenFault, listenFault } from '#telemetry/listen-fault.ts';
import { createLogger, type Logger, levelFrom } from '#telemetry/logger.ts';
import { serveAdminHttp } from '../admin/http.ts';
import { StartError } from '../start-error.ts';
import { compileSoon } from './compile-soon.ts';
import { WireGuardProcess } from './process.ts';

export interface WireGuardOptions {
  /** `host:port` of Prometheus’s figures; undefined: none. */
  readonly metrics?: string | undefined;
  /** Called once its socket answers. */
  readonly ready: () => void;
}

const stopSignal = (): Promise<void> =>
  new Promise((resolve) => {
    for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => resolve());
  });

const serveMetrics = async (listen: string, running: WireGuardProcess): Promise<Server> => {
  try {
    return await serveAdminHttp(listen, running);
  } catch (error) {
    throw isListenFault(error) ? new StartError(listenFault(listen, error, '--metrics')) : error;
  }
};

const run = async (name: string, { metrics, ready }: WireGuardOptions, log: Logger): Promise<number> => {
  const stopped = stopSignal();
  const running = new WireGuardProcess(name, log);
  let server: Server | undefined;
  try {
    await running.start();
    if (metrics !== undefined) server = await serveMetrics(metrics, running);
  } catch (error) {
    running.stop();
    throw error;
  }
  log.info('running', { interface: running.name });
  ready();
  const reason = await Promise.race([stopped.then(() => undefined), running.gone]);
  log.info('stopping', reason === undefined ? {} : { reason });
  server?.closeAllConnections();
  server?.close();
  running.stop();
  return 0;
};

/** `cloudbridge wireguard run --foreground`. @returns the exit code @throws StartError */
export const runWireGuard = async (name: string, options: WireGuardOptions): Promise<number> => {
  compileSoon();
  const write = (line: string): void => void process.stderr.write(line);
  const log = createLogger({ level: levelFrom(process.env['CBR_LOG']), write, now: () => new Date() });
  try {
    return await run(name, options, log);
  } catch (error) {
    if (error instanceof ConfigError) throw new StartError(error.message);
    const { code, message } = error as NodeJS.ErrnoException;
    if (error instanceof StartError || code === undefined) throw error;
    throw new StartError(`The interface ${name} cannot be served: ${message}.`);
  }
};
