import { readBgpFile } from '#settings/bgp-file.ts';
import { runProgram } from '../program-of-file.ts';
import { FileSpeaker } from './speaker.ts';

/** `cloudbridge bgp run`. @param path of the configuration @returns the exit code */
export const runBgp = (path: string): Promise<number> =>
  runProgram(path, {
    program: 'bgp',
    read: readBgpFile,
    start: (file, log, gone) => {
      const speaker = new FileSpeaker(file, path, log, gone);
      return {
        ready: () => speaker.ready(),
        commands: {
          status: () => speaker.status(),
          explain: (request) => speaker.explain(request),
          routes: (request) => speaker.routes(request),
          dump: (request) => speaker.dump(request),
          retry: (request) => speaker.retry(request),
        },
        view: speaker,
        change: (other) => {
          speaker.change(other);
          return { neighbors: speaker.neighbourCount };
        },
        running: () => log.info('running', { as: file.as, neighbors: speaker.neighbourCount, socket: file.socket }),
        stop: () => speaker.stop(),
      };
    },
  });
