import { defineCommand } from '../command.ts';
import { SUCCESS } from '../failure.ts';
import { askAt } from '../worker-socket.ts';

const DEFAULT_DNS_SOCKET = '/run/cloudbridge/dns.sock';

interface Answer {
  readonly listen: readonly string[];
  readonly zones: readonly { readonly domain: string }[];
  readonly pops: readonly { readonly id: string; readonly addresses: readonly string[]; readonly isWell: boolean }[];
}

export const dnsStatus = defineCommand({
  name: 'dns status',
  summary: 'what a DNS responder on this machine answers for, and which PoPs it leads to',
  options: {
    socket: {
      type: 'string',
      placeholder: 'PATH',
      help: `the responder's socket (default ${DEFAULT_DNS_SOCKET})`,
    },
  } as const,
  examples: [
    { run: 'cloudbridge dns status', does: 'a line for each PoP' },
    { run: 'cloudbridge dns status --json', does: 'one object' },
  ],
  run: async ({ options: { socket }, output }) => {
    const answer = (await askAt('dns', socket ?? DEFAULT_DNS_SOCKET, 'status')) as unknown as Answer;
    const { listen, zones, pops } = answer;
    output.record(answer, [
      ['listens at', listen.join(', ')],
      ['zones', zones.map(({ domain }) => domain).join(', ')],
      ...pops.map(({ id, addresses, isWell }): [string, string] => [
        id,
        `${isWell ? 'well' : 'not well'}, ${addresses.join(', ') || 'no addresses'}`,
      ]),
    ]);
    return SUCCESS;
  },
});
