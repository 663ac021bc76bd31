import { readXdpFile } from '#settings/xdp-file.ts';
import type { Logger } from '#telemetry/logger.ts';
import { runProgram } from '../program-of-file.ts';
import type { CheckNotice } from './checks/health-checks.ts';
import { FileFront } from './front-of-file.ts';

/** How often ways to backends are looked for. */
const REFRESH_MS = 1000;
/** Those that were asked for at the start are answered by then. */
const FIRST_REFRESH_MS = 100;

/** Windows of detectors are as long. */
const LOOK_MS = 100;

const logNotice = (log: Logger, notice: CheckNotice): void => {
  const { service } = notice;
  if (notice.of === 'backend') {
    const { backend, state, reason } = notice;
    log[state === 'up' ? 'info' : 'warn'](`a backend is ${state}`, { service, backend, reason });
  } else if (notice.isPanicking) log.error('no backend is well by its checks: all are used', { service });
  else log.info('a backend is well again: others are used no more', { service });
};

/** Has a front look, time and again, at what nobody tells it. @returns what ends that */
const keepLooking = (front: FileFront): (() => void) => {
  const first = setTimeout(() => front.refresh(), FIRST_REFRESH_MS);
  const ways = setInterval(() => front.refresh(), REFRESH_MS);
  const looks = setInterval(() => front.look(), LOOK_MS);
  return () => {
    clearTimeout(first);
    clearInterval(ways);
    clearInterval(looks);
  };
};

/** `cloudbridge xdp run`. @param name of the interface @param path of the configuration @returns the exit code */
export const runXdp = (name: string, path: string): Promise<number> =>
  runProgram(path, {
    program: 'xdp',
    read: readXdpFile,
    start: (file, log) => {
      const front = new FileFront(
        name,
        file,
        path,
        (notice) => logNotice(log, notice),
        (type, attack) => log.warn(`attack ${type}`, { ...attack }),
      );
      let endLooking = (): void => {};
      return {
        commands: { status: () => front.status() },
        view: front,
        change: (other) => {
          front.change(other);
          return { listed: front.status().listed };
        },
        running: () => {
          endLooking = keepLooking(front);
          const { mode, listed } = front.status();
          log.info('attached', { interface: name, mode, listed, socket: file.socket });
        },
        stop: () => {
          endLooking();
          front.stop();
        },
      };
    },
  });
