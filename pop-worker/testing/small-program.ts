import { existsSync, readFileSync } from 'node:fs';
import { ConfigError } from '#settings/toml-file.ts';
import { runProgram } from '../program-of-file.ts';
import { StartError } from '../start-error.ts';

/** The file of a program that does nothing but tell what is done with it. */
export interface SmallSettings {
  readonly socket: string;
  readonly metrics?: string;
  readonly name?: string;
  /** What is wrong with it. */
  readonly wrong?: string;
  /** Why what the program is for has ended. */
  readonly gone?: string;
  /** It is told to stop while it starts. */
  readonly stopsEarly?: boolean;
  /** Why it cannot start, as shows later. */
  readonly unready?: string;
  /** Where it meets a bug. */
  readonly bug?: 'start' | 'change';
}

const read = (path: string, option: string): SmallSettings => {
  const settings = JSON.parse(readFileSync(path, 'utf8')) as SmallSettings;
  if (settings.wrong !== undefined) throw new ConfigError(`${option}: ${settings.wrong}`);
  return settings;
};

const hears = (): boolean => process.listenerCount('SIGHUP') > 0;

process.exitCode = await runProgram(process.argv[2] ?? '', {
  program: 'dns',
  read,
  start: (settings, log, gone) => {
    let { name } = settings;
    if (settings.bug === 'start') throw new TypeError('a bug of the start');
    if (settings.stopsEarly) process.kill(process.pid, 'SIGTERM');
    return {
      ready: async () => {
        await new Promise((resolve) => setTimeout(resolve, 20));
        if (settings.unready !== undefined) throw new StartError(settings.unready);
        log.info('started', { hears: hears() });
      },
      commands: { status: () => ({ name }) },
      view: { state: 'ready', isHealthy: () => true, metrics: async () => `name ${name}\n` },
      change: (other) => {
        if (other.bug === 'change') throw new TypeError('a bug of the change');
        ({ name } = other);
        return { name };
      },
      running: () => {
        log.info('running', { hears: hears(), answers: existsSync(settings.socket) });
        if (settings.gone !== undefined) gone(settings.gone);
      },
      stop: async () => {
        await new Promise((resolve) => setTimeout(resolve, 20));
        log.info('stopped', { answers: existsSync(settings.socket) });
      },
    };
  },
});
