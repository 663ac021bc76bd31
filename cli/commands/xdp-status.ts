import type { XdpStatus } from '#pop-worker/xdp/front-of-file.ts';
import { defineCommand } from '../command.ts';
import { SUCCESS } from '../failure.ts';
import { askAt } from '../worker-socket.ts';

const DEFAULT_XDP_SOCKET = '/run/cloudbridge/xdp.sock';

type Checked = XdpStatus['checks']['services'][number];

/** What checks say of a backend; nothing where it is not checked. */
const healthOf = (checked: Checked | undefined, address: string): string => {
  const found = checked?.backends.find((backend) => backend.address === address);
  if (found === undefined) return '';
  const { health, seconds, reason } = found;
  return `, checks: ${health} for ${seconds} s${reason === undefined ? '' : `, at last ${reason}`}`;
};

const balanceRows = ({ balance, checks }: XdpStatus): [string, string][] => {
  const { services, connections, choices } = balance;
  if (services.length === 0) return [];
  const checkedOf = (name: string) => checks.services.find(({ service }) => service === name);
  const { total, unconfirmed, places } = connections;
  return [
    ['connections', `${total} of ${places}, ${unconfirmed} unconfirmed`],
    [
      'choices',
      Object.entries(choices)
        .map(([choice, packets]) => `${packets} ${choice}`)
        .join(', '),
    ],
    ...services.flatMap(({ service, packets, bytes, backends }): [string, string][] => [
      [
        service,
        `${packets} packets, ${bytes} bytes${checkedOf(service)?.isPanicking === true ? ', no backend is well: all are used' : ''}`,
      ],
      ...backends.map((backend): [string, string] => [
        `  ${backend.address}`,
        `${backend.state}, weight ${backend.weight}, ${backend.connections} connections, ${backend.packets} packets, ${backend.bytes} bytes${healthOf(checkedOf(service), backend.address)}`,
      ]),
    ]),
  ];
};

const detectRows = (detect: XdpStatus['detect']): [string, string][] => {
  if (detect === undefined) return [];
  const { every, samples, lost, targets, networks, attacks } = detect;
  return [
    ['samples', `${samples}, one of ${every} packets; ${lost} lost`],
    ['watched', `${targets} targets, ${networks} networks`],
    ...attacks.map(({ kind, target, seconds, packetsPerSecond, bitsPerSecond, pattern }): [string, string] => [
      `attack ${kind}`,
      `${target} for ${Math.round(seconds)} s, ${packetsPerSecond} packets/s, ${bitsPerSecond} bits/s, ${JSON.stringify(pattern)}`,
    ]),
  ];
};

export const xdpStatus = defineCommand({
  name: 'xdp status',
  summary: 'what became of packets at an interface that `xdp run` guards',
  options: {
    socket: { type: 'string', placeholder: 'PATH', help: `its socket (default ${DEFAULT_XDP_SOCKET})` },
  } as const,
  examples: [
    { run: 'cloudbridge xdp status', does: 'a line for each outcome' },
    { run: 'cloudbridge xdp status --json', does: 'one object' },
  ],
  run: async ({ options: { socket }, output }) => {
    const answer = (await askAt('xdp', socket ?? DEFAULT_XDP_SOCKET, 'status')) as unknown as XdpStatus;
    const { interface: name, mode, listed, counts, detect } = answer;
    output.record(answer, [
      ['interface', `${name} (${mode})`],
      ['listed', `${listed} prefixes`],
      ...Object.entries(counts).map(([outcome, { packets, bytes }]): [string, string] => [
        outcome.replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`),
        `${packets} packets, ${bytes} bytes`,
      ]),
      ...balanceRows(answer),
      ...detectRows(detect),
    ]);
    return SUCCESS;
  },
});
