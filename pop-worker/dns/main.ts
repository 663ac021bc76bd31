import { readDnsFile } from '#settings/dns-file.ts';
import { runProgram } from '../program-of-file.ts';
import { FileResponder } from './responder-of-file.ts';

/** `cloudbridge dns run`. @param path of the configuration @returns the exit code */
export const runDns = (path: string): Promise<number> =>
  runProgram(path, {
    program: 'dns',
    read: readDnsFile,
    start: (file, log, gone) => {
      const responder = new FileResponder(file, path, log, gone);
      return {
        ready: () => responder.ready(),
        commands: { status: () => responder.status() },
        view: responder,
        change: (other) => {
          responder.change(other);
          return {};
        },
        running: () => log.info('answering', { ...responder.status(), socket: file.socket }),
        stop: () => responder.stop(),
      };
    },
  });
