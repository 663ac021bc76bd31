import { TARGET_OPTIONS } from '../api/options.ts';
import { defineCommand } from '../command.ts';
import { FAILURE, SUCCESS } from '../failure.ts';

const options = {
  watch: { type: 'boolean', short: 'w', help: 'show it anew every two seconds until Ctrl-C, in place on a terminal' },
  name: { type: 'string', placeholder: 'LAB', help: 'a lab that is up on this machine' },
  socket: {
    type: 'string',
    placeholder: 'PATH',
    repeated: true,
    help: 'ask the workers on this machine by their admin sockets, without API and NATS',
  },
  ...TARGET_OPTIONS,
} as const;

export const status = defineCommand({
  name: 'status',
  summary: 'the whole edge: PoPs, workers, sessions, health, revision',
  description: [
    'By the API. When it cannot be reached, workers on this machine are asked by their admin sockets instead, and that is',
    'said. Health is serving, starting, draining, withdrawn, stopping, stopped; failed: its data plane does not answer;',
    'silent: it was not heard for 15 seconds; unseen: it has not reported for a day, or never; unreachable: its socket gives',
    'no answer. With --watch --json each line is one status. Exit code 1 when a worker has failed, is silent or unreachable.',
  ].join('\n'),
  options,
  examples: [
    { run: 'cloudbridge status --watch', does: 'the edge of the current context, until Ctrl-C' },
    { run: 'cloudbridge status --name cb', does: 'a lab' },
    { run: 'cloudbridge status -o json --context prod', does: 'for scripts' },
    {
      run: 'cloudbridge status --socket /run/cloudbridge/admin.sock --socket /run/w2.sock',
      does: 'when the control plane is gone',
    },
  ],
  run: async ({ options, output }) => {
    const [{ openSource }, { watchStatus }, { isBroken }, { renderStatus }] = await Promise.all([
      import('./status/source.ts'),
      import('./status/watch.ts'),
      import('./status/edge-status.ts'),
      import('./status/render.ts'),
    ]);
    const source = await openSource(options);
    try {
      if (options.watch) {
        const stop = new AbortController();
        for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => stop.abort());
        await watchStatus(source, output, stop.signal);
        return SUCCESS;
      }
      const seen = await source.read();
      if (output.isForPrograms) output.record(seen, []);
      else for (const line of renderStatus(output, seen, Date.now())) output.print(line);
      return seen.workers.some(isBroken) ? FAILURE : SUCCESS;
    } finally {
      source.close();
    }
  },
});
