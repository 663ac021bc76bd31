import type { Server } from 'node:http';
import { ConfigError } from '#settings/toml-file.ts';
import { createLogger, type Logger, levelFrom } from '#telemetry/logger.ts';
import { serveMetrics } from '../admin/metrics.ts';
import { StartError } from '../start-error.ts';
import { stopSignal } from '../stop-signal.ts';
import { compileSoon } from './compile-soon.ts';
import type { KernelProcess } from './kernel/process.ts';
import type { WireGuardProcess } from './process.ts';

export interface WireGuardOptions {
  /** The kernel's own WireGuard instead of ours. */
  readonly kernel: boolean;
  /** `host:port` of Prometheus’s figures; undefined: none. */
  readonly metrics?: string | undefined;
  /** Called once its socket answers. */
  readonly ready: () => void;
}

/** Only what is run is loaded: the kernel's needs none of our data plane. */
const newProcess = async (kernel: boolean, name: string, log: Logger): Promise<KernelProcess | WireGuardProcess> => {
  if (kernel) return new (await import('./kernel/process.ts')).KernelProcess(name, log);
  return new (await import('./process.ts')).WireGuardProcess(name, log);
};

const run = async (name: string, { kernel, metrics, ready }: WireGuardOptions, log: Logger): Promise<number> => {
  const stopped = stopSignal();
  const running = await newProcess(kernel, name, log);
  let server: Server | undefined;
  try {
    await running.start();
    if (metrics !== undefined) server = await serveMetrics(metrics, running, '--metrics');
  } catch (error) {
    running.stop();
    throw error;
  }
  log.info('running', { interface: running.name, implementation: kernel ? 'kernel' : 'userspace' });
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
  if (!options.kernel) compileSoon();
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
