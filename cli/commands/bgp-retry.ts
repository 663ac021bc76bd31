import { askBgp, BGP_OR_WORKER_SOCKET_OPTION } from '../bgp-socket.ts';
import { defineCommand } from '../command.ts';
import { SUCCESS, UsageError } from '../failure.ts';

export const bgpRetry = defineCommand({
  name: 'bgp retry',
  summary: 'have a neighbour of a BGP speaker or worker on this machine again at once',
  description: [
    'A neighbour whose sessions are lost again and again, or that announced more than `max_prefixes`, is held back for up to ten',
    'minutes, as status shows. This ends that, and what was counted for it. A session that there is stays.',
  ].join('\n'),
  positionals: [{ name: 'NEIGHBOR', help: 'its name, or its address where it has none' }],
  options: BGP_OR_WORKER_SOCKET_OPTION,
  examples: [{ run: 'cloudbridge bgp retry transit1', does: 'once its limit was raised, say' }],
  run: async ({ options: { socket }, words: [neighbor], output }) => {
    if (neighbor === undefined) throw new UsageError('`bgp retry` needs a NEIGHBOR.');
    const answer = await askBgp(socket, 'retry', { neighbor });
    const held = Number(answer['heldBackSeconds']);
    output.record(answer, [
      ['neighbor', String(answer['neighbor'])],
      ['held back', held > 0 ? `no more, it would have been for ${held} s` : 'it was not'],
      ['state', String(answer['state'])],
    ]);
    return SUCCESS;
  },
});
