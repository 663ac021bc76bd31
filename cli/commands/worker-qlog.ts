import { defineCommand } from '../command.ts';
import { SUCCESS, UsageError } from '../failure.ts';
import { ask, SOCKET_OPTION } from '../worker-socket.ts';

const STATES = ['on', 'off'] as const;

/** @param answer of the worker: `QlogState` */
const sentence = ({ on, directory, until }: Readonly<Record<string, unknown>>): string => {
  if (on !== true) return 'Connections are not logged.';
  const end = until === undefined ? 'until `cloudbridge worker qlog off`' : `until ${until}`;
  return `Connections are logged to ${directory}, ${end}.`;
};

export const workerQlog = defineCommand({
  name: 'worker qlog',
  summary: "log a worker's QUIC and HTTP/3 connections as qlog, or say whether that is so",
  description: [
    "On, each connection that is there or comes is logged to a file of its own in the directory that the worker's file",
    'names ([qlog] directory), within the limits that stand there. The files hold addresses, what hosts are asked for',
    'and sizes; no keys, tokens or content. Tools such as qvis show them, with [qlog] format = "0.3".',
  ].join('\n'),
  positionals: [{ name: 'STATE', help: 'on or off; nothing changes without', optional: true, choices: STATES }],
  options: {
    ...SOCKET_OPTION,
    for: {
      type: 'integer',
      placeholder: 'SECONDS',
      least: 1,
      most: 86_400,
      help: 'end by itself after so long (with `on`)',
    },
  },
  examples: [
    { run: 'cloudbridge worker qlog on --for 60', does: 'log what happens within a minute' },
    { run: 'cloudbridge worker qlog off', does: 'end it now' },
    { run: 'cloudbridge worker qlog --json', does: 'whether it is on' },
  ],
  run: async ({ options, words, output }) => {
    const [state] = words;
    if (state !== undefined && !STATES.some((known) => known === state)) {
      throw new UsageError(`STATE is ${STATES.join(' or ')}, not \`${state}\`.`);
    }
    if (options.for !== undefined && state !== 'on') throw new UsageError('--for goes with `on`.');
    const seconds = options.for !== undefined && { seconds: options.for };
    const answer = await ask(options.socket, 'qlog', { ...(state !== undefined && { state }), ...seconds });
    if (output.isForPrograms) output.line(answer);
    else output.print(sentence(answer));
    return SUCCESS;
  },
});
