import { startWorkerd } from '../workerd.ts';

export interface RunningWorker {
  readonly url: string;
  /** What it wrote to its log so far. */
  log(): string;
  close(): Promise<void>;
}

/** Runs a Worker without Durable Objects. @param main absolute path of its module */
export const runInWorkerd = async (
  main: string,
  variables: Readonly<Record<string, string>>,
): Promise<RunningWorker> => {
  let text = '';
  const workerd = await startWorkerd({
    main,
    compatibilityDate: '2026-11-01',
    variables,
    listen: { host: '127.0.0.1', port: 0 },
    log: (line) => {
      text += `${line}\n`;
      process.stderr.write(`${line}\n`);
    },
  });
  return {
    url: `http://127.0.0.1:${workerd.port}`,
    log: () => text,
    close: async () => {
      workerd.kill('SIGKILL');
      await workerd.ended;
    },
  };
};
