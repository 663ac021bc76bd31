import type { MrtStatus } from '#pop-worker/routing/mrt/setup.ts';
import { bfdText } from '../bfd-text.ts';
import { BGP_SOCKET_OPTION, DEFAULT_BGP_SOCKET } from '../bgp-socket.ts';
import { defineCommand } from '../command.ts';
import { SUCCESS } from '../failure.ts';
import { mrtText } from '../mrt-text.ts';
import { plainText } from '../plain-text.ts';
import { askAt } from '../worker-socket.ts';

interface Answer {
  readonly as: number;
  readonly routerId: string;
  readonly neighbors: readonly Neighbor[];
  /** That are wanted and cannot be had as they are. */
  readonly refused?: readonly { readonly name: string; readonly reason: string }[];
  readonly rpki?: readonly RpkiCache[];
  readonly bmp?: readonly BmpStation[];
  readonly mrt?: MrtStatus;
}

interface BmpStation {
  readonly name: string;
  readonly state: string;
  readonly sentBytes: number;
  readonly lastError?: string;
}

interface RpkiCache {
  readonly name: string;
  readonly state: string;
  readonly used: boolean;
  readonly records: number;
  readonly expiresSeconds?: number;
  readonly lastError?: string;
}

interface Neighbor {
  readonly name: string;
  readonly remoteAs: number;
  readonly state: string;
  readonly upSeconds?: number;
  readonly heldBackSeconds?: number;
  readonly lastError?: string;
  readonly lastSession?: { readonly reason: string; readonly endedSecondsAgo: number };
  readonly enabled: boolean;
  readonly noNextHop?: readonly string[];
  readonly bfd?: { readonly state: string; readonly detectionMs: number };
}

const textOf = ({
  remoteAs,
  state,
  enabled,
  upSeconds,
  heldBackSeconds,
  lastError,
  lastSession,
  noNextHop,
  bfd,
}: Neighbor): string =>
  [
    `AS ${remoteAs}, ${state}`,
    ...(upSeconds === undefined ? [] : [`for ${upSeconds} s`]),
    ...(enabled ? [] : ['shut down by us']),
    ...(heldBackSeconds === undefined ? [] : [`held back for ${heldBackSeconds} s`]),
    ...(bfd === undefined ? [] : [bfdText(bfd)]),
    ...(noNextHop === undefined
      ? []
      : [`is not told ${noNextHop.join(' and ')}: no next hop of ours (next_hop4, next_hop6)`]),
    ...(upSeconds === undefined && lastError !== undefined ? [`last: ${plainText(lastError)}`] : []),
    ...(lastSession === undefined || lastSession.reason === lastError
      ? []
      : [`its session ended ${lastSession.endedSecondsAgo} s ago: ${plainText(lastSession.reason)}`]),
  ].join(', ');

const cacheText = ({ state, used, records, expiresSeconds, lastError }: RpkiCache): string =>
  [
    state,
    ...(expiresSeconds === undefined ? [] : [`${records} records${used ? '' : ', not used'}`]),
    ...(state === 'current' || expiresSeconds === undefined ? [] : [`kept for ${expiresSeconds} s`]),
    ...(state === 'current' || lastError === undefined ? [] : [`last: ${plainText(lastError)}`]),
  ].join(', ');

const stationText = ({ state, sentBytes, lastError }: BmpStation): string =>
  [
    state,
    `${sentBytes} bytes sent`,
    ...(state === 'up' || lastError === undefined ? [] : [`last: ${plainText(lastError)}`]),
  ].join(', ');

export const bgpStatus = defineCommand({
  name: 'bgp status',
  summary: 'how the neighbours of a BGP speaker on this machine are',
  options: BGP_SOCKET_OPTION,
  examples: [
    { run: 'cloudbridge bgp status', does: 'a line for each neighbour' },
    { run: 'cloudbridge bgp status --json', does: 'one object, with all that was agreed and counted' },
  ],
  run: async ({ options: { socket }, output }) => {
    const answer = (await askAt('bgp', socket ?? DEFAULT_BGP_SOCKET, 'status')) as unknown as Answer;
    const rows = answer.neighbors.map((neighbor): [string, string] => [neighbor.name, textOf(neighbor)]);
    const refused = (answer.refused ?? []).map(({ name, reason }): [string, string] => [name, `refused: ${reason}`]);
    const caches = (answer.rpki ?? []).map((one): [string, string] => [`rpki ${one.name}`, cacheText(one)]);
    const stations = (answer.bmp ?? []).map((one): [string, string] => [`bmp ${one.name}`, stationText(one)]);
    output.record(answer, [
      ['router', `${answer.routerId}, AS ${answer.as}`],
      ...rows,
      ...refused,
      ...caches,
      ...stations,
      ...(answer.mrt === undefined ? [] : [['mrt', mrtText(answer.mrt)] as const]),
    ]);
    return SUCCESS;
  },
});
